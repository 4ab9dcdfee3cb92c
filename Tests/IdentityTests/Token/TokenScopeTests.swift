import Testing

@testable import Identity

@Suite("Scopes")
struct TokenScopeTests {
  @Test(
    "The resource is the scope without exactly /.default",
    arguments: [
      ("https://storage.azure.com/.default", "https://storage.azure.com"),
      ("https://storage.azure.com//.default", "https://storage.azure.com/"),
      ("api://4f/.default/.default", "api://4f/.default"),
    ])
  func resource(scope: String, resource: String) throws {
    #expect(try TokenScope(scope).resource == resource)
  }

  @Test(
    "A malformed scope is refused before anything is asked",
    arguments: [
      "", "/.default", "https://storage.azure.com", "https://storage.azure.com/.default ", "a;b/.default",
      "$(x)/.default", "--resource/.default", "https://storage.azure.com/.Default", "a\nb/.default",
    ])
  func refused(scope: String) {
    let error = #expect(throws: IdentityError.self) { try TokenScope(scope) }
    #expect(error?.code == .invalidScope)
    #expect(error?.description.contains("\n") == false)
  }
}
