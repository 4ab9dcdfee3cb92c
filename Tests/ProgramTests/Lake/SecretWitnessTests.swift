import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// The look for secrets finds them: else its silence would mean nothing.
  @Suite("The witness of secrets")
  struct Witness {
    @Test(
      "A secret is found in every encoding",
      arguments: [
        ("Authorization: Bearer eyJhbGciOi", "a token"), ("GET /lake?sv=1&sig=abc", "a signature"),
        (#"key "q+/w==" refused"#, "the key"), ("/lake?key=q%2B%2Fw%3D%3D", "the key"),
      ])
    func found(_ text: String, _ name: String) {
      let witness = SecretWitness(["the key": "q+/w==", "no secret at all": ""])
      witness.keep("the log", "nothing to see")
      #expect(witness.leaks() == [])
      witness.keep("the log", text)
      #expect(witness.leaks() == ["\(name) in the log"])
    }

    @Test("The command lines of a program and of its children are seen")
    func commandLines() async throws {
      let parent = try ChildProcess("/bin/sh", ["-c", "sleep 20 & wait", "secret-of-the-parent"])
      defer { parent.kill(SIGKILL) }
      let witness = SecretWitness(["the parent's": "secret-of-the-parent", "the child's": "sleep\u{0}20"])
      let watch = witness.watch(parent.pid)
      try await eventually {
        witness.leaks() == ["the child's in a command line", "the parent's in a command line"]
      }
      watch.cancel()
    }
  }
}
