import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// Every way in which the program proves to the lake who it is.
  @Suite("Sign-in to the lake")
  struct LakeSignIn {
    enum Way: String, Sendable, CaseIterable {
      case secret, certificate, federated
    }

    @Test("An application signs in over TLS", arguments: Way.allCases)
    func application(_ way: Way) async throws {
      let certificates = try await Certificates()
      let federated = try certificates.file("federated", "a.federated.token\n")
      let arguments = [
        "--tls-cert", certificates.server, "--tls-key", certificates.serverKey, "--client-cert", certificates.client,
        "--federated-token-file", federated,
      ]
      try await LakeSite.with(arguments) { facts in
        // The endpoint of a managed identity is there as well, and comes later in the chain.
        var settings = [
          "AZURE_AUTHORITY_HOST": "https://localhost:\(facts.port)", "AZURE_TENANT_ID": facts.tenant,
          "AZURE_CLIENT_ID": facts.clientID, "SSL_CERT_FILE": certificates.root, "LAKE_CA_FILE": certificates.root,
        ]
        switch way {
        case .secret: settings["AZURE_CLIENT_SECRET"] = facts.clientSecret
        case .certificate: settings["AZURE_CLIENT_CERTIFICATE_PATH"] = certificates.client
        case .federated: settings["AZURE_FEDERATED_TOKEN_FILE"] = federated
        }
        return settings
      } _: { lake in
        lake.witness.guardAlso("the federated token", "a.federated.token")
        try await lake.makeRows(1000)
        let service = try await lake.serve()
        let backup = try await lake.backUp(service)
        #expect(backup.status == 200, "\(backup.text)")
        let restore = try await lake.restore(service)
        #expect(restore.status == 200, "\(restore.text)")
        #expect(try await lake.hasComeBack())
        let member = way == .federated ? "WorkloadIdentityCredential" : "EnvironmentCredential"
        try await eventually { service.service.process.output.contains(member) }
      }
    }

    @Test("One identity signs in to the lake and to the database")
    func oneIdentity() async throws {
      let server = try await PostgresServer(plainMethod: "password")
      defer { server.stop() }
      try await LakeSite.with(server: server) { _ in
        ["PG_USER": "plain", "PG_AUTH": "entra"]
      } _: { lake in
        try await lake.makeRows(1000)
        let password = try await lake.token("https://ossrdbms-aad.database.windows.net")
        try await lake.site.sql(
          """
          ALTER ROLE plain PASSWORD '\(password)';
          GRANT USAGE ON SCHEMA events TO plain;
          GRANT SELECT ON events.clicks TO plain;
          GRANT SELECT, INSERT ON events.back TO plain;
          """)
        try await lake.setFaults()
        let service = try await lake.serve()
        let backup = try await lake.backUp(service)
        #expect(backup.status == 200, "\(backup.text)")
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
        // One for each of the two.
        #expect(try await lake.journal().tokenRequests == 2)
        let ready = try await service.get("/api/health?ready=1")
        #expect(ready.status == 200)
        #expect(try await lake.journal().tokenRequests == 2)
      }
    }

    @Test("Tokens come from the machine's metadata service")
    func metadata() async throws {
      try await LakeSite.with([]) { facts in
        ["AZURE_POD_IDENTITY_AUTHORITY_HOST": facts.origin, "IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""]
      } _: { lake in
        try await lake.makeRows(1000)
        let service = try await lake.serve()
        // It is being updated, and then it has too much to do.
        try await lake.setFaults(#"[{"fault": "imds_gone", "first": 1}, {"fault": "imds_throttled", "first": 2}]"#)
        let backup = try await lake.backUp(service)
        #expect(backup.status == 200, "\(backup.text)")
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
        #expect(try await lake.journal().faults.count > 0)
      }
    }

    @Test("A lake under a private root is trusted by LAKE_CA_FILE; without it nothing is sent")
    func privateRoot() async throws {
      let certificates = try await Certificates()
      let arguments = ["--tls-cert", certificates.server, "--tls-key", certificates.serverKey]
      try await LakeSite.with(arguments) { facts in
        [
          "AZURE_STORAGE_CONNECTION_STRING":
            "AccountName=sluicetest;AccountKey=\(facts.key);DfsEndpoint=\(facts.origin)/sluicetest"
        ]
      } _: { lake in
        try await lake.makeRows(1000)
        let refused = try await lake.backUp(lake.serve())
        #expect(refused.status == 503)
        #expect(refused.code == "lake_unavailable")
        #expect(try refused.json["detail"].text?.contains("certificate is not trusted") == true, "\(refused.text)")
        func journal() async throws -> EmulatorJournal {
          try JSONDecoder().decode(
            EmulatorJournal.self, from: await certificates.get("\(lake.emulator.facts.origin)/_emulator/journal"))
        }
        #expect(try await journal().operations == [:])

        let service = try await lake.serve(["LAKE_CA_FILE": certificates.root])
        #expect(try await lake.backUp(service).status == 200)
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
        #expect(try await journal().authorization == ["shared_key"])
      }
    }

    @Test("A key or a SAS works through faults and is never shown", arguments: [true, false])
    func keyAndFaults(_ isKey: Bool) async throws {
      let key = Data((0..<64).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
      let signature = try await Self.signature(key: key)
      try await LakeSite.with(["--key", key]) { facts in
        let secret = isKey ? "AccountKey=\(key)" : "SharedAccessSignature=\(signature)"
        return [
          "AZURE_STORAGE_CONNECTION_STRING": "AccountName=sluicetest;\(secret);DfsEndpoint=\(facts.origin)/sluicetest"
        ]
      } _: { lake in
        lake.witness.guardAlso("the SAS", signature)
        try await lake.makeRows(10_000)
        let service = try await lake.serve()
        try await lake.setFaults(#"[{"fault": "server_busy", "every": 7}, {"fault": "answer_lost", "every": 5}]"#)
        #expect(try await lake.backUp(service).status == 200)
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
        #expect(try await lake.journal().authorization == [isKey ? "shared_key" : "account_sas"])

        try await lake.setFaults(#"[{"fault": "forbidden", "always": true}]"#)
        let forbidden = try await lake.backUp(service, overwrite: true)
        #expect(forbidden.status == 403)
        #expect(forbidden.code == "lake_permission_denied")
        // One that leads elsewhere is not followed: the signature would go there.
        try await lake.setFaults(
          #"[{"fault": "redirect", "location": "http://127.0.0.1:1/", "always": true}]"#)
        #expect(try await lake.backUp(service, overwrite: true).status == 500)
      }
    }

    @Test("A wrong key or SAS is refused and not shown", arguments: [true, false])
    func wrongKey(_ isKey: Bool) async throws {
      let key = Data("the key of another account".utf8).base64EncodedString()
      let signature = try await Self.signature(key: key)
      try await LakeSite.with([]) { facts in
        let secret = isKey ? "AccountKey=\(key)" : "SharedAccessSignature=\(signature)"
        return [
          "AZURE_STORAGE_CONNECTION_STRING": "AccountName=sluicetest;\(secret);DfsEndpoint=\(facts.origin)/sluicetest"
        ]
      } _: { lake in
        lake.witness.guardAlso("the wrong key", key)
        lake.witness.guardAlso("the SAS", signature)
        try await lake.makeRows(10)
        let service = try await lake.serve()
        let answer = try await lake.backUp(service)
        #expect(answer.status == 403)
        #expect(answer.code == "lake_permission_denied")
        #expect(try answer.json["detail"].text?.contains("AuthenticationFailed") == true)
        #expect(
          try await service.get("/api/health?ready=1").json["checks"]["lake"]["code"].text == "lake_permission_denied")
        #expect(try await lake.files() == [])
      }
    }

    /// An account SAS for all that a lake does, signed by openssl ("Create an account SAS").
    private static func signature(key: String) async throws -> String {
      let (version, expiry) = ("2023-11-03", "2099-01-01T00:00:00Z")
      let text = ["sluicetest", "rwdlac", "b", "sco", "", expiry, "", "https,http", version, ""].map { $0 + "\n" }
        .joined()
      let hex = (Data(base64Encoded: key) ?? Data()).map { String(format: "%02x", $0) }.joined()
      let digest = try await runChecked(
        "/bin/sh", ["-c", "openssl dgst -sha256 -mac HMAC -macopt hexkey:\(hex) -binary | base64 -w0"], input: text)
      let encoded = digest.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
      return
        "sv=\(version)&ss=b&srt=sco&sp=rwdlac&se=\(expiry.replacing(":", with: "%3A"))&spr=https,http&sig=\(encoded)"
    }
  }
}
