import Glibc

/// Why a server did not start.
package enum HTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Another program listens there.
  case addressInUse(address: String)
  /// The system does not let this user listen there.
  case permissionDenied(address: String)
  /// The machine has no such address.
  case addressNotAvailable(address: String)
  /// The host is neither an address nor `localhost`.
  case badHost(String)
  /// The port is not within 0 to 65535.
  case badPort(Int)
  /// A server starts once.
  case alreadyStarted
  /// Any other refusal by the system; `errno` is its number.
  case system(call: String, address: String, errno: Int32)

  /// What failed, where, and what to do.
  package var description: String {
    switch self {
    case .addressInUse(let address):
      "cannot listen on \(address): the address is in use; stop the other program or choose another port"
    case .permissionDenied(let address):
      "cannot listen on \(address): permission denied; choose a port of 1024 or above, or grant the right to bind it"
    case .addressNotAvailable(let address):
      "cannot listen on \(address): this machine has no such address; use 127.0.0.1, 0.0.0.0 or one of its own"
    case .badHost(let host):
      "cannot listen on host `\(host)`: give an IPv4 or IPv6 address such as 127.0.0.1 or ::1, or `localhost`"
    case .badPort(let port):
      "cannot listen on port \(port): give a port from 1 to 65535, or 0 for any free one"
    case .alreadyStarted:
      "the server was started before; make a new one to start again"
    case .system(let call, let address, let number):
      "cannot listen on \(address): \(call) failed: \(String(cString: strerror(number))) (errno \(number))"
    }
  }

  init(call: String, address: String, errno number: Int32) {
    switch number {
    case EADDRINUSE: self = .addressInUse(address: address)
    case EACCES, EPERM: self = .permissionDenied(address: address)
    case EADDRNOTAVAIL: self = .addressNotAvailable(address: address)
    default: self = .system(call: call, address: address, errno: number)
    }
  }
}
