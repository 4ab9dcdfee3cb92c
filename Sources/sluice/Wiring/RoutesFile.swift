import CustomHandler
import Foundation

/// Finds `function-routes.json`: at the option's path, or else in the app's folder, the working folder or the binary's
/// folder. Without one the program's own list counts.
struct RoutesFile {
  let text: String
  let routes: FunctionRoutes

  static let name = "function-routes.json"

  /// - Throws: ``UsageError`` when the named one is missing, or one cannot be used.
  init(_ arguments: ParsedArguments) throws {
    let binary = Self.binaryPath
    let folders = [
      Wiring.environment["FUNCTIONS_APP_ROOT_PATH"], ".", (binary as NSString).deletingLastPathComponent,
    ].compactMap { $0 }
    let named = arguments.value("routes")
    let candidates = named.map { [$0] } ?? folders.map { "\($0)/\(Self.name)" }
    for candidate in candidates {
      guard let content = FileManager.default.contents(atPath: candidate) else { continue }
      text = String(decoding: content, as: UTF8.self)
      do {
        routes = try FunctionRoutes(json: Array(content))
      } catch {
        throw UsageError("\(candidate): \(error)")
      }
      return
    }
    if let named { throw UsageError("there is no \(named); name an existing file with --routes, or none") }
    text = DefaultRoutes.text
    do {
      routes = try FunctionRoutes(json: Array(text.utf8))
    } catch {
      throw UsageError("\(error)")
    }
  }

  /// The path of the running program.
  static var binaryPath: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }
}
