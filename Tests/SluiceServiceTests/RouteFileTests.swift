import CustomHandler
import Foundation
import HTTPServer
import TestSupport
import Testing

@testable import SluiceService

/// `function-routes.json` against the code.
@Suite("The list of functions")
struct RouteFileTests {
  private func routes() throws -> FunctionRoutes {
    try FunctionRoutes(json: Array(Data(contentsOf: Repository.file("function-routes.json"))))
  }

  private func handlers(_ lake: TemporaryDirectory) async throws -> FunctionHandlers {
    try await ServiceParts(lake).functions().handlers
  }

  @Test("Every function has a handler and every handler a function")
  func handlers() async throws {
    let lake = try TemporaryDirectory("lake")
    let (routes, handlers) = (try routes(), try await handlers(lake))
    let http = routes.functions.filter { $0.trigger.kind == .http }.map(\.handler)
    let events = routes.functions.filter { $0.trigger.kind != .http }.map(\.handler)
    #expect(Set(http) == Set(handlers.http.keys))
    #expect(Set(events) == Set(handlers.events.keys))
    // What the program does with the two at its start; it throws when they disagree.
    _ = try FunctionApp(routes: routes, handlers: handlers)
  }

  @Test("The paths are those that callers know")
  func paths() throws {
    let paths = try routes().functions.compactMap { function -> String? in
      guard case .http(let route, let methods, _) = function.trigger else { return nil }
      return "\(methods.map(\.rawValue).joined(separator: ",")) /\(try routes().routePrefix)/\(route)"
    }
    #expect(
      Set(paths) == [
        "GET,POST /api/backup_manual", "POST /api/restore", "GET /api/archives", "GET /api/chunks",
        "GET,POST /api/verify", "POST /api/retention", "POST /api/maintenance", "GET /api/cron",
        "GET /api/cron/history",
        "POST /api/cron/{action}",
        "GET,DELETE /api/operations/{id}", "GET /api/operations", "POST /api/operations/{id}/{action}",
        "GET /api/health", "GET /api/openapi.json", "GET /api/status", "GET,POST /api/backup_async",
        "POST /api/restore_async",
      ])
  }

  @Test("What is put on a queue is taken from it by the worker of the same kind")
  func queues() throws {
    let functions = try routes().functions
    for (route, worker) in [("backup_async", "backup_worker"), ("restore_async", "restore_worker")] {
      let output = functions.first { $0.name == route }?.jobQueue
      let trigger = functions.first { $0.name == worker }?.trigger
      #expect(output.map { .queue(name: $0.queue, connection: $0.connection) } == trigger)
    }
  }

  @Test("Only health is open to everyone; the maintenance asks for a key of its own")
  func authorization() throws {
    for function in try routes().functions {
      guard case .http(_, _, let level) = function.trigger else { continue }
      #expect(
        level == (["health", "maintenance"].contains(function.name) ? .anonymous : .function), "\(function.name)")
    }
  }

  @Test("host.json is what sluice package writes")
  func hostFile() throws {
    let written = FunctionPackage(routes: try routes()).files.first { $0.path == "host.json" }
    #expect(written?.contents == (try String(contentsOf: Repository.file("host.json"), encoding: .utf8)))
  }
}
