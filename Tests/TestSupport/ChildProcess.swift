import CSpawn
public import Foundation
import Glibc
import Synchronization

/// A child process by `posix_spawn`, whose descriptors no other child inherits.
///
/// Foundation's `Process` will not do here: tests start children side by side, and a pipe of one that another inherits
/// never comes to its end.
public final class ChildProcess: Sendable {
  /// Where a standard stream leads.
  public enum Stream: Sendable {
    /// Nowhere.
    case null
    /// To this process: see ``input``, ``output`` and ``errors``.
    case pipe
    /// Into a file, from its beginning.
    case file(String)
  }

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

  /// Its process id.
  public let pid: Int32
  /// Writes to its standard input, when that is a pipe.
  public let input: PipeEnd?
  /// Reads its standard output, when that is a pipe.
  public let output: PipeEnd?
  /// Reads its standard error, when that is a pipe.
  public let errors: PipeEnd?
  private let state = Mutex(State())
  private static let spawning = NSLock()

  /// Starts `program` with exactly `environment`.
  public init(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = ProcessInfo.processInfo.environment,
    directory: String? = nil, input: Stream = .null, output: Stream = .null, errors: Stream = .null
  ) throws {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    // Threads of a pool block signals and the test program ignores some; a child begins with neither.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var childEnds: [PipeEnd] = []
    func connect(_ stream: Stream, _ descriptor: Int32) throws -> PipeEnd? {
      let isInput = descriptor == STDIN_FILENO
      switch stream {
      case .null:
        posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", isInput ? O_RDONLY : O_WRONLY, 0)
        return nil
      case .file(let path):
        let flags = isInput ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, descriptor, path, flags, 0o644)
        return nil
      case .pipe:
        let (reading, writing) = try PipeEnd.pair()
        let child = isInput ? reading : writing
        posix_spawn_file_actions_adddup2(&actions, child.descriptor, descriptor)
        childEnds.append(child)
        return isInput ? writing : reading
      }
    }
    // GNU env changes the folder, and replaces itself by the program.
    let command = (directory.map { ["/usr/bin/env", "-C", $0] } ?? []) + [program] + arguments
    let argv = command.map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    var child: pid_t = 0
    // One at a time: between the making of a pipe and its mark to be closed, another child would inherit it.
    Self.spawning.lock()
    defer { Self.spawning.unlock() }
    self.input = try connect(input, STDIN_FILENO)
    self.output = try connect(output, STDOUT_FILENO)
    self.errors = try connect(errors, STDERR_FILENO)
    let status = posix_spawn(&child, command[0], &actions, &attributes, argv, envp)
    pid = child
    childEnds.forEach { $0.close() }
    guard status == 0 else {
      throw CommandFailure(description: "\(program): \(String(cString: strerror(status)))")
    }
    Thread.detachNewThread { self.waitForEnd() }
  }

  private func waitForEnd() {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    let end: End = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    let waiters = state.withLock { state in
      state.end = end
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: end) }
  }

  /// Sends a signal, unless it has ended.
  public func kill(_ signal: Int32) {
    state.withLock { state in
      if state.end == nil { _ = Glibc.kill(pid, signal) }
    }
  }

  /// Whether it has not ended.
  public var isRunning: Bool { state.withLock { $0.end == nil } }

  /// Waits for its end.
  @discardableResult
  public func end() async -> End {
    await withCheckedContinuation { continuation in
      let end = state.withLock { state in
        if state.end == nil { state.waiters.append(continuation) }
        return state.end
      }
      if let end { continuation.resume(returning: end) }
    }
  }
}

/// One end of a pipe, closed with the value. It is never inherited.
public final class PipeEnd: Sendable {
  let descriptor: Int32
  private let isClosed = Atomic(false)

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  static func pair() throws -> (reading: PipeEnd, writing: PipeEnd) {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC) == 0 else {
      throw CommandFailure(description: "no pipe: \(String(cString: strerror(errno)))")
    }
    return (PipeEnd(ends[0]), PipeEnd(ends[1]))
  }

  deinit { close() }

  /// Closes it; the other side sees the end.
  public func close() {
    if !isClosed.exchange(true, ordering: .relaxed) { Glibc.close(descriptor) }
  }

  /// Writes a line; it is short enough for the pipe to take it whole.
  func writeLine(_ line: String) throws {
    let bytes = Array("\(line)\n".utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      throw CommandFailure(description: "the child does not read: \(String(cString: strerror(errno)))")
    }
  }

  /// Writes `text` and closes, on a thread of its own: the reader may be slow, and it may go away.
  func writeToEnd(_ text: String) {
    Thread.detachNewThread { [self] in
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { break }
        rest = rest.dropFirst(max(0, count))
      }
      close()
    }
  }

  /// Reads to the end, on a thread of its own.
  func readToEnd() async -> String {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [self] in
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
          let count = read(descriptor, &buffer, buffer.count)
          if count > 0 {
            bytes += buffer[..<count]
          } else if count == 0 || errno != EINTR {
            break
          }
        }
        continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
      }
    }
  }
}
