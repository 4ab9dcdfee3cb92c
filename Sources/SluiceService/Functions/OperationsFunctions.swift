import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// The functions that list, show, cancel and take up long jobs.
struct OperationsFunctions: FunctionArea {
  let store: OperationStore
  let jobs: OperationJobs
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("operations", list)
    handlers.onHTTP("operation", operation)
    handlers.onHTTP("operation_action", act)
  }

  /// `GET /api/operations`, the latest first.
  @Sendable private func list(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let wanted = try OperationsRequest(await RequestObject.read(request))
      return .json(try await store.list(wanted.filter, limit: wanted.limit, after: wanted.after))
    }
  }

  /// `GET /api/operations/{id}`. `DELETE` cancels the operation and is answered 202, since the job ends later.
  @Sendable private func operation(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let id = request.parameters["id"] ?? ""
      guard request.method == .delete else { return .json(try await store.operation(id)) }
      let operation = try await store.cancel(id)
      return .json(operation, status: operation.state.written == .running ? 202 : 200)
    }
  }

  /// `POST /api/operations/{id}/{action}`: `resume` and `rerun-failed`.
  ///
  /// Without a host the job runs in the background. Behind one it is answered at its end: what outlasts the front end goes on, and
  /// the operation tells of it.
  @Sendable private func act(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let (id, word) = (request.parameters["id"] ?? "", request.parameters["action"] ?? "")
      guard let action = OperationJobs.Action(rawValue: word) else {
        let known = OperationJobs.Action.allCases.map(\.rawValue)
        throw JobError(
          .badField, "expected \(known.joined(separator: " or ")), got \(JSONValue.string(word).brief)", field: "action"
        )
      }
      let fields = try Fields(await RequestObject.read(request))
      try fields.finish()
      let job = try jobs.job(of: await store.operation(id), for: action)
      let time = runs.host.isInFront ? runs.time : nil
      let begun = try await store.resume(id, from: action.states) { operation, progress in
        await WorkUnderWay.listing({ progress.words(operation.kind) }) {
          await OperationStore.logged { try await job(progress, time) }
        }
      }
      guard runs.host.isInFront else { return JobRuns.accepted(begun.operation, wasPreferred: false) }
      await begun.end()
      return .json(try await store.operation(id))
    }
  }
}
