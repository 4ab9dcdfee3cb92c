import Essentials
import Testing

@Suite("Lists of objects of which a few members are read")
struct JSONObjectsTests {
  private func read(_ text: String) throws -> [[JSONValue?]]? {
    try JSONObjects.read(Array(text.utf8), list: "paths", wanted: ["name", "n"]) { $0 }
  }

  @Test("The wanted members come in their order, whatever else there is")
  func members() throws {
    let text = #"""
      {"more": {"paths": [1]}, "paths": [ {"n": 1, "other": "a\"}]", "name": "x"}, {"name": "y\u00e9", "deep": [{"n": 2}]}, {} ], "end": null}
      """#
    #expect(try read(text) == [["x", 1], ["yé", nil], [nil, nil]])
    #expect(try read(#"{"paths": []}"#) == [])
    #expect(try read(#"{"\u0070aths": [{"n\u0061me": "x"}]}"#) == [["x", nil]])
  }

  @Test("What is no such list is nil", arguments: ["{}", "[1]", "1", #"{"paths": 1}"#, #"{"paths": {"name": "x"}}"#])
  func none(text: String) throws {
    #expect(try read(text) == nil)
  }

  @Test(
    "A text that is not JSON, or could be read in two ways, is refused",
    arguments: [
      "", #"{"paths": [}"#, #"{"paths": [{"name": "x",}]}"#, #"{"paths": [{"name": "x"},]}"#,
      #"{"paths": [{"name": "x" "n": 1}]}"#,
      #"{"paths": [{"name": "x"}]} x"#, #"{"paths": [{"name": "x", "name": "y"}]}"#, #"{"paths": [], "paths": []}"#,
      #"{"paths": [{"other": "x}]}"#, #"{"paths": [1]}"#, #"{"paths": [{"n": 01}]}"#, #"{"paths": [{"other": tru}]}"#,
      #"{"paths""#,
      "{\"paths\": [{\"other\": \"a\nb\"}]}", #"{"paths": [{"other": "\"#,
    ])
  func refused(text: String) {
    #expect(throws: JSONError.self) { try read(text) }
  }
}
