import CustomHandler
import Foundation

/// Finds `function-routes.json`: at the option's path, or else in the app's folder, the working folder or the binary's
/// folder.
struct RoutesFile {
  let path: String
  let routes: FunctionRoutes

  static let name = "function-routes.json"

  /// - Throws: ``UsageError`` when there is none, or when it cannot be used.
  init(_ arguments: ParsedArguments) throws {
    let binary = Self.binaryPath
    let folders = [
      Wiring.environment["FUNCTIONS_APP_ROOT_PATH"], ".", (binary as NSString).deletingLastPathComponent,
    ].compactMap { $0 }
    let candidates = arguments.value("routes").map { [$0] } ?? folders.map { "\($0)/\(Self.name)" }
    for candidate in candidates {
      guard let content = FileManager.default.contents(atPath: candidate) else { continue }
      path = candidate
      do {
        routes = try FunctionRoutes(json: Array(content))
      } catch {
        throw UsageError("\(candidate): \(error)")
      }
      return
    }
    throw UsageError(
      "there is no \(Self.name) at \(candidates.joined(separator: ", ")); give its path with --routes")
  }

  /// The path of the running program.
  static var binaryPath: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }
}
