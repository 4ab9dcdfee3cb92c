import CustomHandler
import HTTPServer
import Jobs

/// The function for liveness and readiness.
struct HealthFunctions: FunctionArea {
  let readiness: ReadinessProbe
  let doctor: DoctorWatch?

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("health", health)
  }

  /// `GET /api/health` answers at once. With `?ready=1` it checks the database, the lake and the tokens.
  @Sendable private func health(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    guard let ready = request.query["ready"], ready != "0", ready != "false" else { return .json(Readiness.alive) }
    return await invocation.answer(request, isProbe: true) {
      var readiness = await readiness.readiness()
      readiness.doctor = await doctor?.findings()
      return .json(readiness, status: readiness.status == "ok" ? 200 : 503)
    }
  }
}
