import Foundation
import Glibc
import Synchronization

/// A PostgreSQL server of the tests' own: `initdb` in a temporary folder, TCP on loopback and a socket in the folder.
///
/// A shell holds the server; it ends the server and removes the folder when its standard input closes, which happens
/// whenever and however the test process ends.
public final class PostgresServer: Sendable {
  /// TCP port on 127.0.0.1.
  public let port: Int
  /// The folder with its socket.
  public let socketDirectory: String
  /// Superuser, signs in without a password.
  public let superuser = "postgres"
  /// A role without any rights, whose password is ``plainPassword``.
  public let plainUser = "plain"
  /// See ``plainUser``.
  public let plainPassword = "pl ain'\\secret"

  private let holder: ChildProcess
  private let dataDirectory: String

  /// The folder with `initdb`, `psql` and the rest: of the variable `POSTGRES_BINARIES`, for other versions of the server, or
  /// the newest that the distribution has.
  public static let binaries: String = {
    if let folder = ProcessInfo.processInfo.environment["POSTGRES_BINARIES"] { return folder }
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let newest = versions.compactMap { Int($0) }.max().map { "\(root)/\($0)/bin" }
    return newest ?? "/usr/bin"
  }()

  private static let sharedTask = Task { try await PostgresServer() }

  /// The server that all tests share; a test makes a database of its own in it.
  public static var shared: PostgresServer {
    get async throws { try await sharedTask.value }
  }

  /// Starts a server, with more settings as `name=value`.
  /// - Parameters:
  ///   - plainMethod: how ``plainUser`` signs in, as `pg_hba.conf` names it; `password` is clear text.
  ///   - primary: whose standby it is, by streaming replication; nil for a server of its own.
  public init(
    settings: [String] = [], plainMethod: String = "scram-sha-256", standbyOf primary: PostgresServer? = nil
  ) async throws {
    let base = FileManager.default.temporaryDirectory.appending(path: "sluice-pg-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
    dataDirectory = base + "/data"
    socketDirectory = base
    port = try Self.freePort()
    let asUser = geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups" : ""
    let options = (["fsync=off", "max_connections=400", "shared_buffers=32MB", "log_min_messages=fatal"] + settings)
      .map { "-c \($0)" }.joined(separator: " ")
    let make =
      if let primary {
        "pg_basebackup' -D '\(dataDirectory)' -h '\(primary.socketDirectory)' -p \(primary.port) -U postgres -R -c fast"
      } else {
        "initdb' -D '\(dataDirectory)' -U postgres -A trust -E UTF8 --locale=C.UTF-8"
      }
    let script = """
      set -e
      [ -z '\(asUser)' ] || chown postgres '\(base)'
      \(asUser) '\(Self.binaries)/\(make) --no-sync >/dev/null
      printf 'local all,replication all trust\\nhost all plain 127.0.0.1/32 \(plainMethod)\\nhost all all 127.0.0.1/32 trust\\n' \
        > '\(dataDirectory)/pg_hba.conf'
      start() {
        \(asUser) '\(Self.binaries)/postgres' -D '\(dataDirectory)' -p \(port) -k '\(base)' \
          -c listen_addresses=127.0.0.1 \(options) >'\(base)/log' 2>&1 </dev/null &
        server=$!
      }
      start
      trap 'kill -QUIT $server 2>/dev/null; wait $server; rm -rf "\(base)"' EXIT
      while read -r word; do
        case $word in
        stop) kill -QUIT $server 2>/dev/null; wait $server || true ;;
        start) start ;;
        esac
      done
      """
    holder = try ChildProcess("/bin/bash", ["-c", script], input: .pipe)
    try await waitUntilReady()
    guard primary == nil else { return }
    let password = plainPassword.replacing("'", with: "''")
    try await psql("postgres", "CREATE ROLE plain LOGIN PASSWORD '\(password)'")
  }

  /// Ends the server; its holder removes the folder.
  public func stop() {
    holder.input?.close()
  }

  /// The server's first process, which takes new connections and cancel requests.
  public var postmaster: Int32? {
    let file = try? String(contentsOfFile: "\(dataDirectory)/postmaster.pid", encoding: .utf8)
    return file?.split(separator: "\n").first.flatMap { Int32($0) }
  }

  /// Ends the server and waits until it is gone.
  public func stopAndWait() async {
    stop()
    await holder.end()
  }

  /// Ends the server at once, as a crash would; ``startAgain()`` recovers it.
  public func crash() throws {
    try holder.input?.writeLine("stop")
  }

  /// Starts the server after ``crash()``, and waits until it takes connections.
  public func startAgain() async throws {
    try holder.input?.writeLine("start")
    try await waitUntilReady()
  }

  /// Ends the server at once and starts it again.
  public func restart() async throws {
    try crash()
    try await startAgain()
  }

  private func waitUntilReady() async throws {
    for _ in 0..<600 {
      let ready = try await run("\(Self.binaries)/pg_isready", ["-q", "-h", "127.0.0.1", "-p", "\(port)"])
      if ready.status == 0 { return }
      guard holder.isRunning else { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    let log = (try? String(contentsOfFile: socketDirectory + "/log", encoding: .utf8)) ?? ""
    throw CommandFailure(description: "PostgreSQL did not start: \(log)")
  }

  /// Runs SQL by psql as the superuser and returns what it prints, unaligned, without headers. A GRANT or REVOKE that meets one of another test on
  /// the same object is done again.
  @discardableResult
  public func psql(_ database: String, _ sql: String) async throws -> String {
    for _ in 0..<20 where sql.hasPrefix("GRANT ") || sql.hasPrefix("REVOKE ") {
      do {
        return try await psqlOnce(database, sql)
      } catch let failure as CommandFailure where failure.description.contains("tuple concurrently updated") {
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    return try await psqlOnce(database, sql)
  }

  private func psqlOnce(_ database: String, _ sql: String) async throws -> String {
    let output = try await runChecked(
      "\(Self.binaries)/psql",
      [
        "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", socketDirectory, "-p", "\(port)", "-U", superuser, "-d",
        database,
      ],
      input: sql)
    return output.trimmingCharacters(in: .newlines)
  }

  /// Makes an empty database with a name of its own.
  public func makeDatabase(_ prefix: String = "t") async throws -> String {
    let name = "\(prefix)_\(UUID().uuidString.prefix(8).lowercased())"
    try await psql("postgres", "CREATE DATABASE \"\(name)\"")
    return name
  }

  private static let givenPorts = Mutex<Set<UInt16>>([])

  /// A TCP port nobody listens on at this moment. It lies below those that the system gives to outgoing connections and to listeners
  /// that ask for any (ip(7), `ip_local_port_range`), of which other tests make many meanwhile; none is given twice.
  public static func freePort() throws -> Int {
    for _ in 0..<1000 {
      let port = UInt16.random(in: 10_240..<32_768)
      guard givenPorts.withLock({ $0.insert(port).inserted }) else { continue }
      let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      defer { close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      let isFree = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      if isFree { return Int(port) }
    }
    throw CommandFailure(description: "no free port: \(String(cString: strerror(errno)))")
  }
}
