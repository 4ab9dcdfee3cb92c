import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

extension RestoreRequest {
  /// The request under the name that its call has: rows that are appended are then loaded once, however often it is sent. Without a name it is
  /// known by its operation alone, as far as the target keeps marks of loads.
  fileprivate func named(_ run: JobRuns.Run) -> RestoreRequest {
    var copy = self
    copy.operation = run.operation
    switch run.naming {
    case .none: return copy
    case .operation: return copy.named(run.operation)
    case .caller:
      copy.key = key ?? run.operation
      return copy
    }
  }
}

/// The functions for restores: by HTTP, by queue message.
struct RestoreFunctions: FunctionArea {
  let context: JobContext
  let options: RestoreOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("restore", restore)
    handlers.onHTTP("restore_async", restoreAsync)
    handlers.onEvent("restore_worker", restoreWorker)
    handlers.onEvent("restore_given_up", restoreGivenUp)
  }

  /// `POST /api/restore`.
  @Sendable private func restore(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) { try await answer(request, invocation) }
  }

  /// `POST /api/restore_async`.
  @Sendable private func restoreAsync(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) { try await answer(request, invocation, isAsync: true) }
  }

  private func answer(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool = false
  ) async throws -> HTTPResponse {
    let object = try await RequestObject.read(request, now: context.now(), in: options.timeZone)
    if let resume = try ResumeRequest(object) { return try await answer(resume, object, request, invocation, isAsync) }
    let order = try RestoreRequest(object)
    // The request is checked completely before it is answered 202.
    try RestoreJob(context, options).check(order)
    return try await runs.answer(
      request, invocation, isAsync: isAsync,
      JobRuns.Order(
        kind: "restore", request: object, secretField: Self.password(order, object), queuePath: "/api/restore_async",
        estimate: { order.isPreview ? nil : await JobEstimate(context).seconds(of: order, options) }
      ) { run in
        let job = RestoreJob(context, options, progress: run.progress)
        guard !order.isPreview else { return try await .init(job.preview(order)) }
        return try await .init(job.run(order.named(run), deadline: run.deadline))
      })
  }

  /// Does the steps that restores have left.
  private func answer(
    _ resume: ResumeRequest, _ object: JSONValue, _ request: HTTPRequest, _ invocation: Invocation, _ isAsync: Bool
  ) async throws -> HTTPResponse {
    try await runs.answer(
      request, invocation, isAsync: isAsync,
      JobRuns.Order(kind: "restore", request: object, queuePath: "/api/restore_async") { run in
        try await .init(
          RestoreJob(context, options, progress: run.progress).resume(load: resume.load, database: resume.database))
      })
  }

  /// The field that holds a password; nil where the request has none.
  private static func password(_ order: RestoreRequest, _ object: JSONValue) -> String? {
    guard order.server.password != nil else { return nil }
    let own = object.object?["pg"]?.object?["password"] ?? .null
    return own == .null ? "pg.connection_uri" : "pg.password"
  }

  /// Handles a queue message: the JSON of a restore request, or an event of the storage account that tells of a file.
  @Sendable private func restoreWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult
  {
    try await runs.work(event, invocation, kind: "restore") { message, progress, time in
      let job = RestoreJob(context, options, progress: progress)
      if let event = ArrivalEvent(message) {
        guard let order = RestoreRequest(arrival: event, options) else {
          Log.write(.debug, "an event is passed over: RESTORE_ON_ARRIVAL names no table of it", ["event": event.id])
          return .init(RestoreReport(results: []))
        }
        return try await .init(job.run(order, deadline: time?.lastBegin))
      }
      if let resume = try ResumeRequest(message) {
        return try await .init(job.resume(load: resume.load, database: resume.database))
      }
      var order = try RestoreRequest(message)
      order.isRetried = true
      guard !order.isPreview else { return try await .init(job.preview(order)) }
      return try await .init(job.run(order, deadline: time?.lastBegin))
    }
  }

  /// Handles a message that the host has given up.
  @Sendable private func restoreGivenUp(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult
  {
    try await runs.givenUp(event, invocation, kind: "restore")
  }
}
