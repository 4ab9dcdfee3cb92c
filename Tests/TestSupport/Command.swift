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

/// Runs a program to its end with its output collected. No thread of the tests' pool waits for it.
@discardableResult
public func run(
  _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String? = nil
) async throws -> CommandResult {
  let child = try ChildProcess(
    program, arguments, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
    input: input == nil ? .null : .pipe, output: .pipe, errors: .pipe)
  if let input { child.input?.writeToEnd(input) }
  async let output = child.output?.readToEnd()
  async let errors = child.errors?.readToEnd()
  let (out, err) = await (output ?? "", errors ?? "")
  let status =
    switch await child.end() {
    case .exited(let code): code
    case .signalled(let signal): signal
    }
  return CommandResult(status: status, output: out, errors: err)
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
