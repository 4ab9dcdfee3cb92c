import Essentials
import HTTPServer

/// Which callers an app without a key accepts. Any page that a browser on this machine shows can make it send requests
/// to loopback, so listening on loopback only does not protect the app.
package enum Callers: Sendable, Equatable {
  /// Anyone; the key decides.
  case anyone
  /// Programs of this machine, such as curl: `Host` names loopback, and no header shows that a web page sent
  /// the request.
  case thisMachine
  /// The Functions host, which calls on `port` of loopback and passes on `Host` and `Origin` of its own callers; what does
  /// not come from it is taken as from this machine.
  case functionsHost(port: Int)

  /// Whether a request comes from elsewhere.
  ///
  /// A page of another site sends `Origin`, or, with a GET that it needs no permission for, `Sec-Fetch-Site`. A page whose
  /// name was made to point to this machine (DNS rebinding) sends that name as `Host`, with this server's port.
  func refuse(_ request: HTTPRequest) -> Bool {
    switch self {
    case .anyone: false
    case .thisMachine: !isOfThisMachine(request)
    case .functionsHost(let port):
      request.headers.contains(Invocation.idHeader)
        ? authorities(request).contains { $0 == nil || ($0?.port == port && $0?.isLoopback == false) }
        : !isOfThisMachine(request)
    }
  }

  private func isOfThisMachine(_ request: HTTPRequest) -> Bool {
    let sites = request.headers.values("Sec-Fetch-Site")
    return !request.headers.contains("Origin") && sites.allSatisfy { $0 == "none" || $0 == "same-origin" }
      && authorities(request).allSatisfy { $0?.isLoopback == true }
  }

  /// What the request calls this server; nil for a `Host` that is empty. A request of HTTP/1.0 may name nothing.
  private func authorities(_ request: HTTPRequest) -> [Authority?] {
    let named = request.headers.values("Host").map { Authority($0) }
    return named + (request.targetAuthority.map { [$0] } ?? [])
  }
}
