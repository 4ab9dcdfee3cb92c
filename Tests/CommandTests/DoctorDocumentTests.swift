import Jobs
import TestSupport
import Testing

@Suite("docs/doctor.md")
struct DoctorDocumentTests {
  @Test("Each check has a heading, in the order of the checks, and no heading is without a check")
  func headings() throws {
    let text = try Repository.text("docs/doctor.md")
    let headings = text.split(separator: "\n").filter { $0.hasPrefix("### ") }.map { String($0.dropFirst(4)) }
    #expect(headings == DoctorTopic.allCases.map(\.rawValue))
    #expect(DoctorTopic.allCases.allSatisfy { topic in DoctorCheck.Group.allCases.contains(topic.group) })
    #expect(DoctorCheck(.lakeSoftDelete, .ok, "").link == "docs/doctor.md#lakesoft-delete")
  }
}
