import Foundation
import Glibc

/// The lake emulator as a process of its own, ready to be called. It ends with this value, and with the test process.
public final class EmulatorProcess: Sendable {
  /// What it says on its start.
  public struct Facts: Sendable, Decodable {
    /// Its port on 127.0.0.1.
    public let port: Int
    /// `http://127.0.0.1:PORT`, or `https`.
    public let origin: String
    /// The storage account's name.
    public let account: String
    /// The storage account's key, base64.
    public let key: String
    /// The tenant's id.
    public let tenant: String
    /// The id of the application and of the managed identity.
    public let clientID: String
    /// The application's secret.
    public let clientSecret: String
    /// What the App Service endpoint wants in `X-IDENTITY-HEADER`.
    public let identityHeader: String

    enum CodingKeys: String, CodingKey {
      case port, origin, account, key, tenant
      case clientID = "client_id"
      case clientSecret = "client_secret"
      case identityHeader = "identity_header"
    }
  }

  /// The built program, which lies beside the tests' own.
  public static let binary = (SluiceProcess.binary as NSString).deletingLastPathComponent + "/lake-emulator"

  /// What it said on its start.
  public let facts: Facts
  private let child: ChildProcess
  private let folder: TemporaryDirectory

  /// Starts it, and waits until it serves.
  /// - Parameter arguments: see `lake-emulator --help`.
  /// - Throws: ``CommandFailure`` with what it printed when it does not start.
  public init(_ arguments: [String] = []) async throws {
    let folder = try TemporaryDirectory("emulator")
    // Its standard input ends with this process, and it with its input.
    let child = try ChildProcess(
      Self.binary, arguments + ["--with-stdin", "--folder", folder.path], input: .pipe,
      output: .file(folder.file("stdout")), errors: .file(folder.file("stderr")))
    self.folder = folder
    self.child = child
    try await eventually {
      if !child.isRunning {
        let errors = FileManager.default.contents(atPath: folder.file("stderr")) ?? Data()
        throw CommandFailure(description: "lake-emulator: \(String(decoding: errors, as: UTF8.self))")
      }
      return FileManager.default.contents(atPath: folder.file("stdout"))?.last == UInt8(ascii: "\n")
    }
    facts = try JSONDecoder().decode(
      Facts.self, from: FileManager.default.contents(atPath: folder.file("stdout")) ?? Data())
  }

  deinit { child.kill(SIGKILL) }

  /// The environment by which a child process finds the emulator's App Service identity.
  public var identityEnvironment: [String: String] {
    ["IDENTITY_ENDPOINT": "\(facts.origin)/msi/token", "IDENTITY_HEADER": facts.identityHeader]
  }

  /// Replaces the faults in force by a JSON list.
  public func setFaults(_ json: String) async throws {
    let answer = try await HTTPCall("PUT", "/_emulator/faults", body: json).send(port: facts.port)
    guard answer.status == 200 else { throw CommandFailure(description: "faults: \(answer.text)") }
  }

  /// The journal, as JSON.
  public func journal() async throws -> String {
    try await HTTPCall("GET", "/_emulator/journal").send(port: facts.port).text
  }

  /// The files, as JSON.
  public func files() async throws -> String {
    try await HTTPCall("GET", "/_emulator/files").send(port: facts.port).text
  }
}
