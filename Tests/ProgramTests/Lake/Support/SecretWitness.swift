import Foundation
import Synchronization

/// Keeps what the program lets out (log, answers, command lines, names of files) and finds secrets in it.
final class SecretWitness: Sendable {
  private let secrets: Mutex<[String: String]>
  private let seen = Mutex<[(place: String, text: String)]>([])

  /// - Parameter secrets: texts by what they are; what every bearer token and every signature begins with is among them
  ///   already.
  init(_ secrets: [String: String]) {
    let all = ["a token": "eyJ", "a signature": "sig="].merging(secrets) { $1 }
    self.secrets = Mutex(all.filter { !$0.value.isEmpty })
  }

  /// One more text that must not be seen.
  func guardAlso(_ name: String, _ secret: String) { secrets.withLock { $0[name] = secret } }

  /// Keeps `text`, which was seen at `place`.
  func keep(_ place: String, _ text: String) {
    seen.withLock { $0.append((place, text)) }
  }

  /// Whether anything was seen at `place`: a look that sees nothing finds nothing.
  func hasSeen(_ place: String) -> Bool {
    seen.withLock { $0.contains { $0.place == place && !$0.text.isEmpty } }
  }

  /// What was seen where it must not be, once for each place; a secret is also known in a URL's encoding.
  func leaks() -> [String] {
    let secrets = secrets.withLock { $0 }
    let leaks = seen.withLock { seen in
      seen.flatMap { place, text in
        secrets.filter { _, secret in
          text.contains(secret)
            || secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics).map(text.contains) ?? false
        }.map { "\($0.key) in \(place)" }
      }
    }
    return Set(leaks).sorted()
  }

  /// Keeps the command lines of a process and its children until the task is cancelled.
  func watch(_ process: Int32) -> Task<Void, Never> {
    Task {
      while !Task.isCancelled {
        for id in [process] + Self.children(of: process) {
          let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
          keep("a command line", String(decoding: line, as: UTF8.self))
        }
        try? await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  private static func children(of process: Int32) -> [Int32] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return threads.flatMap { thread in
      let list = FileManager.default.contents(atPath: "/proc/\(process)/task/\(thread)/children") ?? Data()
      return String(decoding: list, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }
  }
}
