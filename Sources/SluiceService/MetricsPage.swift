import Essentials
package import HTTPServer
package import Jobs
import Reporting

/// `GET /metrics`, for a server without a Functions host in front.
package struct MetricsPage: Sendable {
  private let reading: MetricsReading

  package init(_ reading: MetricsReading) {
    self.reading = reading
  }

  @Sendable package func respond(to request: HTTPRequest) async -> HTTPResponse {
    do {
      let form = Metrics.Form(accept: request.headers["Accept"])
      let text = try await reading.text(form)
      return HTTPResponse(headers: ["Content-Type": form.contentType], body: Array(text.utf8))
    } catch {
      return .problem(JobError(cause: error).problem)
    }
  }
}
