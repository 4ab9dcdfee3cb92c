import CustomHandler
import HTTPServer
import Jobs

/// The function that lists a table's chunks or partitions.
struct ChunksFunctions: FunctionArea {
  let context: JobContext
  let backup: BackupOptions

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("chunks", chunks)
  }

  /// `GET /api/chunks`.
  @Sendable private func chunks(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let wanted = try await ChunksRequest(RequestObject.read(request, now: context.now(), in: backup.timeZone))
      return .json(try await ChunksJob(context, backup).run(wanted))
    }
  }
}
