import CustomHandler
import Foundation
import Jobs
import TestSupport
import Testing

@testable import sluice

@Suite("Files of a function app, as the doctor finds them")
struct FunctionsChecksTests {
  /// An app as `sluice package` writes it, but for the binary.
  private func app(_ host: [String: String] = [:]) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory("app")
    let source = try Data(contentsOf: Repository.file("function-routes.json"))
    try source.write(to: URL(filePath: folder.file("function-routes.json")))
    for file in FunctionPackage(routes: try FunctionRoutes(json: Array(source))).files {
      let path = folder.file(file.path)
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(file.contents.utf8).write(to: URL(filePath: path))
    }
    try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: folder.file("sluice")))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.file("sluice"))
    return folder
  }

  private func findings(_ folder: TemporaryDirectory, _ environment: [String: String] = [:]) -> [DoctorCheck] {
    let host = ["FUNCTIONS_CUSTOMHANDLER_PORT": "7072", "AzureWebJobsStorage__accountName": "account"]
    return FunctionsChecks(environment: host.merging(environment) { $1 }, folders: [folder.path]).run()
      .filter { $0.status != .ok }
  }

  private func replace(_ old: String, _ new: String, in name: String, of folder: TemporaryDirectory) throws {
    let path = folder.file(name)
    let text = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    #expect(text.contains(old))
    try Data(text.replacing(old, with: new).utf8).write(to: URL(filePath: path))
  }

  @Test("The package's own files are in order; without a host its settings are not looked at")
  func package() throws {
    let folder = try app()
    #expect(findings(folder) == [])
    let without = FunctionsChecks(environment: [:], folders: [folder.path]).run()
    #expect(without.filter { $0.status != .ok }.map(\.topic) == [.functionsSettings])
    let nothing = try TemporaryDirectory("empty")
    #expect(FunctionsChecks(environment: [:], folders: [nothing.path]).run().map(\.status) == [.skipped])
    #expect(findings(nothing).map(\.status) == [.failed])
  }

  @Test("Routes that the host would refuse are told in the words of the routes' own check")
  func routes() throws {
    let folder = try app()
    try replace("\"route\": \"archives\"", "\"route\": \"admin/archives\"", in: "function-routes.json", of: folder)
    let found = findings(folder)
    #expect(found.map(\.topic) == [.functionsRoutes] && found[0].text.contains("admin"))
  }

  @Test(
    "A host.json that is not as the functions need it is told by its member",
    arguments: [
      (
        "\"enableForwardingHttpRequest\": true", "\"enableForwardingHttpRequest\": false", "enableForwardingHttpRequest"
      ),
      ("\"batchSize\": 1", "\"batchSize\": 16", "batchSize"), ("\"base64\"", "\"none\"", "messageEncoding"),
      ("\"routePrefix\": \"api\"", "\"routePrefix\": \"v1\"", "routePrefix"), ("\"2.0\"", "\"3.0\"", "version"),
      ("\"defaultExecutablePath\": \"sluice\"", "\"defaultExecutablePath\": \"other\"", "defaultExecutablePath"),
    ])
  func host(_ old: String, _ new: String, _ member: String) throws {
    let folder = try app()
    try replace(old, new, in: "host.json", of: folder)
    let found = findings(folder)
    #expect(found.map(\.topic) == [.functionsHost] && found[0].text.contains(member), "\(found.map(\.text))")
  }

  @Test(
    "functionTimeout is held against the plan",
    arguments: [
      ("00:30:00", "", true), ("-1", "", true), ("30", "", false), ("00:30:00", "Dynamic", false),
      ("-1", "Dynamic", false),
      ("00:10:00", "Dynamic", true),
    ])
  func timeout(_ value: String, _ plan: String, _ isRight: Bool) throws {
    let folder = try app()
    try replace("\"functionTimeout\": \"00:30:00\"", "\"functionTimeout\": \"\(value)\"", in: "host.json", of: folder)
    let found = findings(folder, ["WEBSITE_SKU": plan])
    #expect(found.map(\.topic) == (isRight ? [] : [.functionsTimeout]), "\(found.map(\.text))")
  }

  @Test("A setting that the routes name and nobody has set is told, and a function's folder that says something else")
  func settings() throws {
    let folder = try app()
    let found = FunctionsChecks(environment: ["FUNCTIONS_CUSTOMHANDLER_PORT": "1"], folders: [folder.path]).run()
      .filter { $0.status == .failed }
    #expect(
      found.map(\.topic) == [.functionsSettings] && found[0].remedy?.contains("AzureWebJobsStorage=VALUE") == true)
    try replace("\"function\"", "\"anonymous\"", in: "archives/function.json", of: folder)
    try FileManager.default.removeItem(atPath: folder.file("backup_worker"))
    #expect(findings(folder).map(\.text).allSatisfy { $0.contains("function.json is missing, or says something else") })
    #expect(findings(folder).map(\.topic) == [.functionsBindings, .functionsBindings])
  }
}
