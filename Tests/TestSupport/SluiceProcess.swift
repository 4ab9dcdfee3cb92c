import Foundation
import Glibc
import Synchronization

/// The real `sluice`, running beside the test. It ends with this value, and with the test process.
public final class SluiceProcess: Sendable {
  /// How a process ended.
  public enum End: Sendable, Equatable {
    /// By itself, with a code.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)
  }

  private struct State {
    var end: End?
    var waiters: [CheckedContinuation<End, Never>] = []
  }

  /// The built program, which lies beside the tests' own.
  public static let binary: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return (own as NSString).deletingLastPathComponent + "/sluice"
  }()

  /// Its process id.
  public let pid: Int32
  private let state: SharedState
  private let folder: TemporaryDirectory
  private let lifeline: Pipe

  /// `Mutex` cannot be captured by the handler that is set before `self` is there.
  private final class SharedState: Sendable {
    let value = Mutex(State())
  }

  /// Starts it with exactly `environment` (and the system's own few variables), in the folder `directory`.
  /// - Parameters:
  ///   - program: another copy of the program than the built one.
  ///   - wrapper: a program with arguments that replaces itself by `sluice`, such as `setpriv`.
  public init(
    _ arguments: [String], environment: [String: String], directory: String, program: String = binary,
    wrapper: [String] = []
  ) throws {
    let command = wrapper + [program] + arguments
    let process = Process()
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = Self.systemEnvironment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(filePath: directory)
    folder = try TemporaryDirectory("process")
    for name in ["stdout", "stderr"] { try Data().write(to: URL(filePath: folder.file(name))) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: folder.file("stdout")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: folder.file("stderr")))
    let state = SharedState()
    self.state = state
    process.terminationHandler = { process in
      let end: End =
        process.terminationReason == .exit
        ? .exited(process.terminationStatus) : .signalled(process.terminationStatus)
      let waiters = state.value.withLock { state in
        state.end = end
        defer { state.waiters = [] }
        return state.waiters
      }
      for waiter in waiters { waiter.resume(returning: end) }
    }
    try process.run()
    pid = process.processIdentifier
    lifeline = Pipe()
    try Self.watch(pid, lifeline)
  }

  deinit {
    kill(SIGKILL)
    // Told that all is well, the watcher goes.
    try? lifeline.fileHandleForWriting.write(contentsOf: Data("done\n".utf8))
    try? lifeline.fileHandleForWriting.close()
  }

  /// A shell that kills the process when this one ends without a word.
  private static func watch(_ pid: Int32, _ lifeline: Pipe) throws {
    let watcher = Process()
    watcher.executableURL = URL(filePath: "/bin/sh")
    watcher.arguments = ["-c", "read -r word || kill -9 \(pid)"]
    watcher.standardInput = lifeline
    watcher.standardOutput = FileHandle.nullDevice
    watcher.standardError = FileHandle.nullDevice
    try watcher.run()
  }

  /// What a program needs of the tests' environment to start at all.
  public static let systemEnvironment = ProcessInfo.processInfo.environment.filter {
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"].contains($0.key)
  }

  /// Sends a signal, unless it has ended.
  public func kill(_ signal: Int32) {
    state.value.withLock { state in
      if state.end == nil { _ = Glibc.kill(pid, signal) }
    }
  }

  /// Whether it has not ended.
  public var isRunning: Bool { state.value.withLock { $0.end == nil } }

  /// Waits for its end.
  @discardableResult
  public func end() async -> End {
    await withCheckedContinuation { continuation in
      let end = state.value.withLock { state in
        if state.end == nil { state.waiters.append(continuation) }
        return state.end
      }
      if let end { continuation.resume(returning: end) }
    }
  }

  /// What it has written to standard output so far.
  public var output: String { content("stdout") }

  /// What it has written to standard error so far.
  public var errors: String { content("stderr") }

  private func content(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: folder.file(name)) ?? Data(), as: UTF8.self)
  }
}
