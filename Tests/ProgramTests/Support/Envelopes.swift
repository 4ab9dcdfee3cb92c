import Essentials

/// The bodies with which the Functions host calls (envelope mode), in the encoding that its source gives each value.
enum Envelopes {
  private static func metadata(_ function: String) -> String {
    #""sys": {"MethodName": "\#(function)", "UtcNow": "2026-02-03T04:05:06.7Z", "RandGuid": "5b0c"}"#
  }

  static func timer(_ function: String) -> String {
    #"{"Data": {"timer": {"Schedule": {"AdjustForDST": true}, "IsPastDue": false, "ScheduleStatus": "#
      + #"{"Last": "0001-01-01T00:00:00", "Next": "2026-02-03T02:15:00+00:00", "LastUpdated": "0001-01-01T00:00:00"}}}, "#
      + #""Metadata": {\#(metadata(function))}}"#
  }

  /// The message's text is put into a JSON string, and that string's JSON text into another.
  static func queue(_ function: String, _ message: String) throws -> String {
    let twice = try JSONValue.quoted(JSONValue.quoted(message))
    return #"{"Data": {"message": \#(twice)}, "Metadata": {"DequeueCount": "1", "Id": "\"9d3f\"", "#
      + #""InsertionTime": "2026-02-03T04:05:06+00:00", "PopReceipt": "\"AgAA\"", \#(metadata(function))}}"#
  }

  static func http(_ method: String, _ url: String, query: [String: String] = [:], body: String? = nil) throws -> String
  {
    let query = try query.sorted { $0.key < $1.key }.map {
      "\(try JSONValue.quoted($0.key)): \(try JSONValue.quoted($0.value))"
    }
    let body = try body.map { #", "Body": \#(try JSONValue.quoted($0))"# } ?? ""
    return
      #"{"Data": {"req": {"Url": "\#(url)", "Method": "\#(method)", "Query": {\#(query.joined(separator: ", "))}, "#
      + #""Headers": {"Content-Type": ["application/json"], "Accept": ["*/*"]}, "Params": {}, "#
      + #""Identities": [{"IsAuthenticated": false, "Claims": []}]\#(body)}}, "Metadata": {\#(metadata("http"))}}"#
  }
}
