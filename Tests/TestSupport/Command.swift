import Foundation

/// A finished child process.
public struct CommandResult: Sendable {
  /// Exit code, or the signal's number for a process that was killed.
  public let status: Int32
  /// What it wrote to standard output.
  public let output: String
  /// What it wrote to standard error.
  public let errors: String
}

/// A child process that did not do what a test needed.
public struct CommandFailure: Error, CustomStringConvertible {
  /// What went wrong.
  public let description: String

  /// Made with what went wrong.
  public init(description: String) {
    self.description = description
  }
}

/// Runs a program to its end, on a thread of its own, with its output collected.
@discardableResult
public func run(
  _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String? = nil
) async throws -> CommandResult {
  let process = Process()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let output = Pipe()
  let errors = Pipe()
  process.standardOutput = output
  process.standardError = errors
  let stdin = input == nil ? nil : Pipe()
  process.standardInput = stdin ?? FileHandle.nullDevice
  let (end, ended) = AsyncStream.makeStream(of: Void.self)
  process.terminationHandler = { _ in ended.finish() }
  try process.run()
  if let stdin, let input {
    try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
  }
  async let outputData = readToEnd(output.fileHandleForReading)
  async let errorData = readToEnd(errors.fileHandleForReading)
  let (out, err) = await (outputData, errorData)
  // Not `waitUntilExit`: it would hold one of the few threads that all tests run on.
  for await _ in end {}
  return CommandResult(
    status: process.terminationStatus, output: String(decoding: out, as: UTF8.self),
    errors: String(decoding: err, as: UTF8.self))
}

private func readToEnd(_ handle: FileHandle) async -> Data {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      continuation.resume(returning: (try? handle.readToEnd()) ?? Data())
    }
  }
}

/// Like ``run(_:_:environment:input:)``, and throws with what was printed when the program fails.
@discardableResult
public func runChecked(
  _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String? = nil
) async throws -> String {
  let result = try await run(program, arguments, environment: environment, input: input)
  guard result.status == 0 else {
    throw CommandFailure(
      description: "\(program) \(arguments.joined(separator: " ")): status \(result.status)\n\(result.errors)")
  }
  return result.output
}
