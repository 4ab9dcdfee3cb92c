package import Essentials
import Reporting

extension JSONValue {
  /// Parses the text of a request.
  /// - Throws: ``JobError`` `bad_json`, with the fault and its byte offset, without quoting the text.
  package init(json text: some Collection<UInt8>) throws {
    do throws(JSONError) {
      try self.init(parsing: text)
    } catch {
      throw JobError(.badJSON, "the body is not valid JSON: \(error); send one JSON object")
    }
  }
}
