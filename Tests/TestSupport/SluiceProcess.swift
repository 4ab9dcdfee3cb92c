import Foundation
import Glibc

/// The real `sluice`, running beside the test. It ends with this value, and with the test process.
public final class SluiceProcess: Sendable {
  /// How a process ended.
  public typealias End = ChildProcess.End

  /// The built program, which lies beside the tests' own.
  public static let binary: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return (own as NSString).deletingLastPathComponent + "/sluice"
  }()

  /// Its process id.
  public var pid: Int32 { child.pid }
  private let child: ChildProcess
  private let watcher: ChildProcess
  private let folder: TemporaryDirectory

  /// Starts it with exactly `environment` (and the system's own few variables), in the folder `directory`.
  /// - Parameters:
  ///   - program: another copy of the program than the built one.
  ///   - wrapper: a program with arguments that replaces itself by `sluice`, such as `setpriv`.
  public init(
    _ arguments: [String], environment: [String: String], directory: String, program: String = binary,
    wrapper: [String] = []
  ) throws {
    let command = wrapper + [program] + arguments
    folder = try TemporaryDirectory("process")
    child = try ChildProcess(
      command[0], Array(command.dropFirst()), environment: Self.systemEnvironment.merging(environment) { $1 },
      directory: directory, output: .file(folder.file("stdout")), errors: .file(folder.file("stderr")))
    // A shell that kills the process when this one ends without a word.
    watcher = try ChildProcess("/bin/sh", ["-c", "read -r word || kill -9 \(child.pid)"], input: .pipe)
  }

  deinit {
    child.kill(SIGKILL)
    watcher.kill(SIGKILL)
  }

  /// What a program needs of the tests' environment to start at all, and where a sanitizer that is built in reports.
  public static let systemEnvironment = ProcessInfo.processInfo.environment.filter {
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "TSAN_OPTIONS", "ASAN_OPTIONS"].contains($0.key)
  }

  /// Sends a signal, unless it has ended.
  public func kill(_ signal: Int32) { child.kill(signal) }

  /// Whether it has not ended.
  public var isRunning: Bool { child.isRunning }

  /// Waits for its end.
  @discardableResult
  public func end() async -> End { await child.end() }

  /// What it has written to standard output so far.
  public var output: String { content("stdout") }

  /// What it has written to standard error so far.
  public var errors: String { content("stderr") }

  private func content(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: folder.file(name)) ?? Data(), as: UTF8.self)
  }
}
