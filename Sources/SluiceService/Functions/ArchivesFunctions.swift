import CustomHandler
import HTTPServer
import Jobs

/// The function that lists the archives in the lake.
struct ArchivesFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("archives", archives)
  }

  /// `GET /api/archives`.
  @Sendable private func archives(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let wanted = try await ArchivesRequest(
        RequestObject.read(request, now: context.now(), in: backup.timeZone))
      return .json(try await wanted.answer(context, backup))
    }
  }
}
