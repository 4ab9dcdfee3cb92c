import Essentials
import Foundation
import Synchronization
import Testing

@testable import Reporting

@Suite("The log")
struct LogTests {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])

    func context(_ field: (key: String, value: String)) -> Log.Context {
      Log.Context(fields: [field]) { line in self.all.withLock { $0.append(line) } }
    }
  }

  @Test("An event is one line with its context")
  func line() throws {
    let lines = Lines()
    Log.$context.withValue(lines.context(("invocation", "i 1"))) {
      Log.write(.warning, "two\nlines", ["path": "a/b", "reason": "said \"no\"\r\nand left", "empty": ""])
    }
    let all = lines.all.withLock { $0 }
    #expect(all.count == 1)
    let line = try #require(all.first)
    #expect(line.split(whereSeparator: \.isNewline).count == 1)
    #expect(
      line.hasSuffix(
        " warning two lines path=a/b reason=\"said 'no' and left\" empty=\"\" invocation=\"i 1\""), "\(line)")
  }

  @Test("A line takes no more steps after many lines than after none")
  func stepsDoNotGrow() {
    let depths = Mutex<[Int]>([])
    Log.start(from: .debug) { _, line in
      if line.contains("of one depth") { depths.withLock { $0.append(Thread.callStackReturnAddresses.count) } }
    }
    for _ in 0..<20 { Log.write(.debug, "of one depth") }
    Log.start { _, _ in }
    #expect(depths.withLock { $0.count } == 20)
    #expect(Set(depths.withLock { $0 }).count == 1, "\(depths.withLock { $0 })")
  }

  @Test("A value cannot send control characters to a terminal")
  func terminal() throws {
    let lines = Lines()
    Log.$context.withValue(lines.context(("job", "1"))) {
      Log.write(.error, "red \u{1B}[31m", ["table": "a\0b\t\u{9B}2J\u{7F}ü\u{2028}c"])
    }
    let line = try #require(lines.all.withLock { $0 }.first)
    #expect(line.hasSuffix(" error red \\u{1B}[31m table=\"a\\0b\\t\\u{009B}2J\\u{7F}ü c\" job=1"), "\(line)")
  }

  @Test("As JSON, an event is one object on one line, with its fields apart from what each line has")
  func json() throws {
    let line = Log.line(
      .json, .error, "two\nlines",
      ["rows": 3, "seconds": 0.5, "isDone": true, "reason": "said \"no\"", "time": "x\r\ny"],
      [(key: "operation", value: "o-1")], at: Date(timeIntervalSince1970: 0))
    #expect(
      line
        == #"{"time":"1970-01-01T00:00:00Z","level":"error","message":"two lines","fields":"#
        + #"{"isDone":true,"operation":"o-1","reason":"said \"no\"","rows":3,"seconds":0.5,"time":"x y"}}"#)
    #expect(try JSONValue(parsing: Array(line.utf8)).object?["fields"]?.object?["rows"]?.whole == 3)
  }

  @Test("Levels stand in their order")
  func levels() {
    #expect(Log.Level.allCases == Log.Level.allCases.sorted())
    #expect(Log.Level.debug < .info)
    #expect(Log.Level.warning < .error)
  }

  @Test("A field is added to those of the context, once")
  func adding() async {
    let lines = Lines()
    await Log.$context.withValue(lines.context(("invocation", "i"))) {
      await Log.adding("operation", "o1") {
        await Log.adding("operation", "o2") { Log.write(.info, "begun") }
      }
    }
    #expect(lines.all.withLock { $0 }.first?.hasSuffix(" info begun invocation=i operation=o2") == true)
  }

  @Test("Each job has its own context")
  func context() async throws {
    let lines = Lines()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          await Log.$context.withValue(lines.context(("job", "\(number)"))) {
            await Task.yield()
            Log.write(.info, "number \(number)")
          }
        }
      }
    }
    let all = lines.all.withLock { $0 }
    #expect(all.count == 20)
    for number in 0..<20 { #expect(all.contains { $0.hasSuffix("number \(number) job=\(number)") }) }
  }
}
