import Essentials

@testable import HTTPServer

/// What a parser makes of some bytes, as text that two runs can be compared by.
struct ParserRun: Equatable {
  var events: [String] = []
  var requests: [HTTPRequest] = []
  var keepAlive: [Bool] = []
  var refusal: HTTPRefusal?
  var phase = RequestParser.Phase.idle

  static func == (a: ParserRun, b: ParserRun) -> Bool {
    a.events == b.events && a.refusal == b.refusal && a.phase == b.phase && a.keepAlive == b.keepAlive
  }

  init(_ bytes: [UInt8], pieces: Int, limits: ParserLimits = ParserLimits()) {
    var parser = RequestParser(limits: limits)
    var start = 0
    while start < bytes.count {
      let end = min(start + pieces, bytes.count)
      parser.append(bytes[start..<end])
      start = end
      drain(&parser)
    }
    phase = parser.phase
  }

  private mutating func drain(_ parser: inout RequestParser) {
    do throws(HTTPRefusal) {
      while let event = try parser.next() {
        switch event {
        case .head: break
        case .expectsContinue: events.append("continue")
        case .request(let parsed):
          let request = parsed.request
          let fields = request.headers.fields.map { "\($0.name)=\($0.value)" }
          events.append("\(request.method) \(request.target) \(parsed.version) \(fields) \(request.body)")
          requests.append(request)
          keepAlive.append(parsed.keepAlive)
        }
      }
    } catch {
      refusal = error
    }
  }

  /// Parses in whole, byte for byte, and in pieces that cut CRLFs elsewhere; `agree` says whether all came out the same.
  static func all(_ text: String, limits: ParserLimits = ParserLimits()) -> (run: ParserRun, agree: Bool) {
    let bytes = Array(text.utf8)
    let whole = ParserRun(bytes, pieces: max(bytes.count, 1), limits: limits)
    let others = [1, 2, 3, 7].map { ParserRun(bytes, pieces: $0, limits: limits) }
    return (whole, others.allSatisfy { $0 == whole })
  }
}
