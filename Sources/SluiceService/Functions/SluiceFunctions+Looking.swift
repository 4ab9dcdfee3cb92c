import CustomHandler
import Foundation
import HTTPServer
import Sluice

extension SluiceFunctions {
  /// `GET /api/archives`.
  @Sendable func archives(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let wanted = try await ArchivesRequest(RequestObject.read(request))
      return .json(try await wanted.answer(context))
    }
  }

  /// `GET /api/operations/{id}`; `DELETE` cancels it and is answered 202, as it ends in its own time.
  @Sendable func operation(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let id = request.parameters["id"] ?? ""
      guard request.method == .delete else { return .json(try await operations.operation(id)) }
      return .json(try await operations.cancel(id), status: 202)
    }
  }

  /// `GET /api/health`: alive at once; with `?ready=1` the database and the lake are asked too.
  @Sendable func health(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    guard let ready = request.query["ready"], ready != "0", ready != "false" else {
      return .json(Readiness(status: "ok", version: Program.version, checks: nil))
    }
    return await invocation.answer(request) {
      let readiness = await Readiness.check(context)
      return .json(readiness, status: readiness.status == "ok" ? 200 : 503)
    }
  }
}
