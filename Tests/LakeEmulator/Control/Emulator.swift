import Foundation
import Glibc

/// ADLS Gen2's DFS endpoint and the three places that give Entra tokens, on one port of 127.0.0.1, for tests.
///
/// - Storage: `http(s)://127.0.0.1:PORT/{account}/{filesystem}/{path}`.
/// - App Service: `/msi/token`. IMDS: `/metadata/identity/oauth2/token`. Login: `/{tenant}/oauth2/v2.0/token`.
/// - Orders: `PUT /_emulator/faults`, `GET|DELETE /_emulator/journal`, `GET /_emulator/files`, `PUT /_emulator/tokens`.
///
/// The bytes of files lie on disk without a name, so nothing is left of them, however the process ends.
public final class Emulator: Sendable {
  /// The port it listens on.
  public let port: Int
  /// What it was started with, the secrets it made among them.
  public let options: EmulatorOptions
  private let core: EmulatorCore
  private let listener: ListeningSocket

  /// Starts it; requests are served at once.
  /// - Throws: ``EmulatorError`` that names the option.
  public init(_ options: EmulatorOptions = EmulatorOptions()) throws {
    try options.check()
    self.options = options
    let tls: TLSContext?
    if let certificate = options.tlsCertificate, let key = options.tlsKey {
      tls = try TLSContext(certificate: certificate, key: key)
    } else {
      tls = nil
    }
    let core = EmulatorCore(options, tls: tls)
    for name in options.filesystems {
      do {
        try core.storage.createFilesystem(name)
      } catch let error as ServiceError {
        throw EmulatorError("filesystem \(name): \(error.message)")
      }
    }
    // OpenSSL writes by write(2), which knows no MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
    let listener = try ListeningSocket(port: options.port)
    self.core = core
    self.listener = listener
    port = listener.port
    Thread.detachNewThread {
      while let socket = listener.accept() {
        guard core.connections.add(socket) else {
          close(socket)
          continue
        }
        Thread.detachNewThread { Connection(socket: socket, core: core).run() }
      }
    }
  }

  deinit { stop() }

  /// `http://127.0.0.1:PORT`, or `https`.
  public var origin: String { "\(options.tlsCertificate == nil ? "http" : "https")://127.0.0.1:\(port)" }

  /// Ends the listening and all connections. Also happens with the value.
  public func stop() {
    listener.stop()
    core.connections.stop()
  }

  /// Replaces the faults in force.
  public func setFaults(_ faults: [Fault]) { core.faults.set(faults) }

  /// What it has seen.
  public func journal() -> EmulatorJournal { core.journal.entries }

  /// Forgets what it has seen.
  public func resetJournal() { core.journal.reset() }

  /// All files and directories, with what writers left uncommitted.
  public func files() -> [EmulatorFile] { (try? core.storage.files()) ?? [] }

  /// The committed bytes of a file; nil when it is not there.
  public func content(filesystem: String, path: String) -> [UInt8]? {
    (try? PathName(decoded: path)).flatMap { try? core.storage.content(filesystem, $0) }
  }

  /// Tokens made from now on are good for so many seconds; managed identities get a new one.
  public func setTokenLifetime(_ seconds: Double) { core.issuer.setLifetime(seconds) }

  /// No token made so far is good any more.
  public func revokeTokens() { core.issuer.revokeAll() }

  /// A token, as a token endpoint would give it.
  public func token(audience: String = "https://storage.azure.com") -> String {
    core.issuer.issue(audience: audience).text
  }
}

extension EmulatorOptions {
  fileprivate func check() throws(EmulatorError) {
    guard Data(base64Encoded: key).map({ !$0.isEmpty }) == true else { throw EmulatorError("key: base64 is expected.") }
    guard account.wholeMatch(of: /[a-z0-9]{3,24}/) != nil else {
      throw EmulatorError("account: 3 to 24 small letters and digits are expected.")
    }
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw EmulatorError("TLS needs both a certificate and a key.")
    }
    guard tokenLifetime > 0 else { throw EmulatorError("token lifetime: seconds above 0 are expected.") }
    var status = stat()
    if let folder, stat(folder, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR {
      throw EmulatorError("folder: \(folder) is not a directory.")
    }
  }
}

/// Why the emulator does not start, or does not take an order.
public struct EmulatorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what was expected.
  public let description: String

  /// Made with its description.
  public init(_ description: String) {
    self.description = description
  }
}
