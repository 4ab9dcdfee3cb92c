import Essentials

/// How a client reaches hosts, and whom it trusts.
package struct HTTPClientConfiguration: Sendable {
  /// A file of PEM certificates that are trusted beside the system's roots; nil for those alone.
  package var additionalRootsFile: String?
  /// The system's roots, when they are not where distributions keep them.
  package var systemRootsFile: String?
  /// The proxy of https requests, as `HTTPS_PROXY` has it; nil for none. It may hold a password and is never shown.
  package var httpsProxy: String?
  /// Hosts that are reached without the proxy, as `NO_PROXY` has them: names, suffixes, or `*`, separated by commas.
  package var noProxy: String?
  /// What the client calls itself.
  package var userAgent = "sluice"

  /// The system's roots and no proxy.
  package init(additionalRootsFile: String? = nil) {
    self.additionalRootsFile = additionalRootsFile
  }

  /// Takes over `HTTPS_PROXY` and `NO_PROXY` of an environment, in either case of letters; the lower one wins, as it does
  /// with curl(1). `HTTP_PROXY` and `ALL_PROXY` are left out: plain http is for this machine's own endpoints alone.
  package mutating func takeProxy(from environment: [String: String]) {
    func value(_ name: String) -> String? {
      [name.asciiLowercased(), name].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    httpsProxy = value("HTTPS_PROXY")
    noProxy = value("NO_PROXY")
  }

  /// Takes over `SSL_CERT_FILE` of an environment, which names the system's roots, as OpenSSL and curl(1) read it.
  package mutating func takeRoots(from environment: [String: String]) {
    systemRootsFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
  }
}
