import Foundation
import Glibc
import TestSupport

/// A running `sluice serve`, whose answers, log and command lines a ``SecretWitness`` keeps.
final class WatchedService: Sendable {
  let service: Service
  private let witness: SecretWitness
  private let watch: Task<Void, Never>

  init(_ service: Service, _ witness: SecretWitness) {
    self.service = service
    self.witness = witness
    watch = witness.watch(service.process.pid)
  }

  deinit { watch.cancel() }

  func get(_ target: String) async throws -> HTTPAnswer { keep(target, try await service.get(target)) }

  func post(_ target: String, _ body: String) async throws -> HTTPAnswer {
    keep(target, try await service.post(target, body))
  }

  private func keep(_ target: String, _ answer: HTTPAnswer) -> HTTPAnswer {
    witness.keep("the answer of \(target)", "\(answer.headers)\n\(answer.text)")
    return answer
  }

  func kill() async {
    service.process.kill(SIGKILL)
    await service.process.end()
  }

  /// Ends it, unless it has ended, and shows the witness what it leaves.
  func end() async {
    await service.stop()
    watch.cancel()
    witness.keep("the log", service.process.output)
    witness.keep("the errors", service.process.errors)
    let files = FileManager.default.subpaths(atPath: service.site.app.path) ?? []
    witness.keep("the names of files", files.joined(separator: "\n"))
  }
}
