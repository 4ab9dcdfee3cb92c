import CustomHandler
import Foundation
import Reporting

/// `sluice package`: writes the folder to deploy as a function app.
enum PackageCommand: Command {
  static let name = "package"
  static let summary = "write the folder to deploy as a function app"
  static let usage = "--output DIR [OPTIONS]"
  static let examples = ["package --output dist/app", "package --output dist/app --function-timeout 0"]
  static let options: [CommandOption] = [
    CommandOption("output", .value("DIR"), "the folder to write, new or empty"), .routes,
    CommandOption(
      "function-timeout", .value("MINUTES"), "functionTimeout of host.json; 0 means no limit", default: "30"),
    CommandOption(
      "schedule-settings", .flag,
      "let the timers' schedules be app settings: %BACKUP_SCHEDULE% for nightly_backup, and so on for the others"),
    .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    guard let output = arguments.value("output") else { throw UsageError("package needs --output DIR") }
    var options = HostOptions()
    if let text = arguments.value("function-timeout") {
      guard let minutes = Int(text), (0...60 * 24).contains(minutes) else {
        throw UsageError("--function-timeout: expected whole minutes from 0 to 1440, got \"\(text)\"")
      }
      options.functionTimeout = minutes == 0 ? nil : .seconds(minutes * 60)
    }
    let (list, package) = try package(RoutesFile(arguments), options, arguments.isFlagSet("schedule-settings"))
    let files = FileManager.default
    let content = try? files.contentsOfDirectory(atPath: output)
    guard content?.isEmpty ?? !files.fileExists(atPath: output) else {
      throw UsageError("--output: \(output) is not a new or empty folder; remove it, or name another")
    }
    // Written under a temporary name and renamed when complete, so that a failure leaves no incomplete package.
    let folder = URL(filePath: output).standardizedFileURL.path
    let draft = folder + ".part-\(getpid())"
    do {
      try write(package, list, to: draft)
      if content != nil { try files.removeItem(atPath: folder) }
      try files.moveItem(atPath: draft, toPath: folder)
    } catch {
      try? files.removeItem(atPath: draft)
      guard let refusal = error as? CocoaError else { throw error }
      throw JobError(.packageFailed, "the package cannot be written: \(reason(refusal))")
    }
    Output.line("\(output): \(package.functionCount) functions, the program and its libraries")
    return .done
  }

  /// The list of functions in the package, and its other files.
  private static func package(
    _ routes: RoutesFile, _ options: HostOptions, _ schedulesAreSettings: Bool
  ) throws -> (list: String, package: FunctionPackage) {
    guard schedulesAreSettings else {
      return (routes.text, FunctionPackage(routes: routes.routes, options: options))
    }
    do {
      let (text, schedules) = try FunctionRoutes.takingSchedulesFromSettings(routes.text)
      let changed = try FunctionRoutes(json: Array(text.utf8))
      return (text, FunctionPackage(routes: changed, options: options, schedules: schedules))
    } catch {
      throw UsageError("\(error)")
    }
  }

  /// Takes the symbols out of the copy, which are most of a program with debug information. Where there is no strip(1) it stays whole.
  private static func strip(_ binary: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/strip")
    process.arguments = ["--strip-all", binary]
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      process.waitUntilExit()
    } catch {
      Output.error("sluice: there is no strip(1) (package binutils), so the program keeps its symbols")
    }
  }

  /// The path and the system's message, without the internals of `error`.
  private static func reason(_ error: CocoaError) -> String {
    let path = (error.filePath ?? error.url?.path).map { "\($0): " } ?? ""
    let underlying = error.underlying as? POSIXError
    return path + (underlying.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription)
  }

  private static func write(_ package: FunctionPackage, _ list: String, to folder: String) throws {
    let files = FileManager.default
    let libraries = folder + "/lib"
    try files.createDirectory(atPath: libraries, withIntermediateDirectories: true)
    for file in package.files + package.extraFiles {
      let path = "\(folder)/\(file.path)"
      try files.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(file.contents.utf8).write(to: URL(filePath: path))
    }
    try Data(list.utf8).write(to: URL(filePath: "\(folder)/\(RoutesFile.name)"))
    let binary = "\(folder)/sluice"
    try files.copyItem(atPath: RoutesFile.binaryPath, toPath: binary)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: binary)
    strip(binary)
    for library in try SharedLibraries.of(binary) {
      let target = "\(libraries)/\((library as NSString).lastPathComponent)"
      // The name that the loader uses may be a symbolic link.
      try files.copyItem(at: URL(filePath: library).resolvingSymlinksInPath(), to: URL(filePath: target))
    }
  }
}
