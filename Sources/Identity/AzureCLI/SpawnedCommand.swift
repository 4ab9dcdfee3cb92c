import CSpawn
import Foundation
import Glibc
import Synchronization

/// A child process in a process group of its own, watched by a thread of its own: the first call of the Azure CLI takes
/// seconds, which no thread of the cooperative pool may wait.
final class SpawnedCommand: Sendable {
  private static let outputLimit = 1 << 20

  private let call: CommandRunner.Call
  private let isCancelled = Atomic(false)

  init(_ call: CommandRunner.Call) {
    self.call = call
  }

  /// Kills the child soon.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Starts it and waits for its end, its limit or ``cancel()``.
  func run() async -> CommandRunner.Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: self.runBlocking()) }
    }
  }

  private func runBlocking() -> CommandRunner.Result {
    guard let output = Pipe(), let errors = Pipe() else { return .notStarted(reason: Self.reason(errno)) }
    let pid: pid_t
    switch spawn(output, errors) {
    case .success(let started): pid = started
    case .failure(let failure): return .notStarted(reason: Self.reason(failure.number))
    }
    output.closeWriting()
    errors.closeWriting()
    let deadline = ContinuousClock.now + call.limit
    var status: Int32 = 0
    while true {
      // Looks every 20 ms whether the child has ended: a process it left behind may hold the pipes open for long.
      Pipe.read([output, errors], milliseconds: 20, limit: Self.outputLimit)
      let ended = waitpid(pid, &status, WNOHANG)
      if ended == pid { break }
      if ended < 0, errno != EINTR { return .notStarted(reason: Self.reason(errno)) }
      if isCancelled.load(ordering: .relaxed) || ContinuousClock.now >= deadline {
        // The group's number is the child's, and stays taken until the child is waited for.
        kill(-pid, SIGKILL)
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return .timedOut
      }
    }
    while Pipe.read([output, errors], milliseconds: 0, limit: Self.outputLimit) {}
    let signal = status & 0x7f
    guard signal == 0 else { return .signalled(signal) }
    return .ended(status: (status >> 8) & 0xff, output: output.text, errors: errors.text)
  }

  private struct Failure: Error {
    let number: Int32
  }

  private func spawn(_ output: Pipe, _ errors: Pipe) -> Result<pid_t, Failure> {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    // This program ignores SIGPIPE and blocks signals in some threads; a child begins with neither.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors.writing, STDERR_FILENO)
    posix_spawn_file_actions_addchdir_np(&actions, call.directory)
    let arguments = ([call.program] + call.arguments).map { strdup($0) } + [nil]
    let environment = call.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + environment).forEach { free($0) } }
    var pid: pid_t = 0
    let number = posix_spawn(&pid, call.program, &actions, &attributes, arguments, environment)
    return number == 0 ? .success(pid) : .failure(Failure(number: number))
  }

  private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

extension SpawnedCommand {
  /// A pipe from the child, and what came through it. Used by one thread.
  private final class Pipe {
    private let reading: Int32
    private(set) var writing: Int32
    private var isOpen = true
    private var bytes: [UInt8] = []

    init?() {
      var ends: [Int32] = [-1, -1]
      // Marked before any other child could inherit them.
      guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
      (reading, writing) = (ends[0], ends[1])
    }

    deinit {
      close(reading)
      closeWriting()
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func closeWriting() {
      if writing >= 0 { close(writing) }
      writing = -1
    }

    /// Waits for bytes and takes what is there; what is over `limit` is thrown away. False when nothing came.
    @discardableResult
    static func read(_ pipes: [Pipe], milliseconds: Int32, limit: Int) -> Bool {
      let open = pipes.filter(\.isOpen)
      guard !open.isEmpty else {
        if milliseconds > 0 { usleep(UInt32(milliseconds) * 1000) }
        return false
      }
      var polls = open.map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
      guard poll(&polls, nfds_t(polls.count), milliseconds) > 0 else { return false }
      for (pipe, polled) in zip(open, polls) where polled.revents != 0 { pipe.readOnce(limit: limit) }
      return true
    }

    private func readOnce(limit: Int) {
      var buffer = [UInt8](repeating: 0, count: 16 * 1024)
      let count = Glibc.read(reading, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<min(count, limit - bytes.count)]
      } else if count == 0 || errno != EINTR {
        isOpen = false
      }
    }
  }
}
