package import Essentials
import Reporting

extension JSONValue {
  /// Reads the text of a request.
  /// - Throws: ``JobError`` `bad_json`, which tells what is wrong and at which byte, and repeats nothing.
  package init(json text: some Collection<UInt8>) throws {
    do throws(JSONError) {
      try self.init(parsing: text)
    } catch {
      throw JobError(.badJSON, "the body is not valid JSON: \(error); send one JSON object")
    }
  }
}
