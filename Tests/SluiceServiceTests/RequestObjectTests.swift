import Essentials
import HTTPServer
import Reporting
import Testing

@testable import SluiceService

@Suite("The object of a request")
struct RequestObjectTests {
  private func request(body: String) throws -> HTTPRequest {
    try HTTPRequest(
      method: .post, target: "/api/backup_manual", headers: ["Host": "localhost"], body: Array(body.utf8))
  }

  @Test("JSON that is longer than any request is refused without parsing it")
  func tooLong() async throws {
    let members = String(repeating: " ", count: RequestObject.maximumBytes - 2)
    #expect(try await RequestObject.read(request(body: "{\(members)}")) == .object([:]))
    let error = await #expect(throws: JobError.self) { try await RequestObject.read(request(body: "{\(members)} ")) }
    #expect(error?.code == .bodyTooLarge)
    #expect(error?.code.status == 413)
  }
}
