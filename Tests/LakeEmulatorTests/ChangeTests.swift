import LakeEmulator
import TestSupport
import Testing

/// Delete, properties, expiry, leases.
@Suite("The emulator: properties, expiry and leases") struct ChangeTests {
  let lake: LakeClient
  private let id = "11111111-1111-1111-1111-111111111111"
  private let other = "22222222-2222-2222-2222-222222222222"

  init() throws { lake = try LakeClient() }

  @Test("A directory that is not empty is deleted only recursively, and a delete checks its conditions")
  func delete() async throws {
    let etag = try await lake.write("d/f", "x")
    #expect(try await lake.call("DELETE", "lake/d").outcome == "409 DirectoryNotEmpty")
    #expect(try await lake.call("DELETE", "lake/d/f", ["If-Match": "\"0x1\""]).outcome == "412 ConditionNotMet")
    #expect(try await lake.call("DELETE", "lake/d/f", ["If-Match": etag]).outcome == "200")
    #expect(try await lake.call("DELETE", "lake/d/f").outcome == "404 PathNotFound")
    try await lake.write("d/e/f", "x")
    #expect(try await lake.call("DELETE", "lake/d?recursive=true").outcome == "200")
    #expect(lake.emulator.files().isEmpty)
  }

  @Test("Setting properties replaces all of them and changes the ETag")
  func properties() async throws {
    let etag = try await lake.write("f", "x")
    let set = try await lake.call("PATCH", "lake/f?action=setProperties", ["x-ms-properties": "a=YQ=="])
    #expect(set.outcome == "200" && set.headers["etag"] != etag)
    let stale = try await lake.call(
      "PATCH", "lake/f?action=setProperties", ["x-ms-properties": "b=Yg==", "If-Match": etag])
    #expect(stale.outcome == "412 ConditionNotMet")
    let again = try await lake.call("PATCH", "lake/f?action=setProperties", ["x-ms-properties": "b=Yg=="])
    #expect(again.outcome == "200")
    #expect(try await lake.call("HEAD", "lake/f").headers["x-ms-properties"] == "b=Yg==")
    let blob = try await lake.call("GET", "lake/f", ["Accept": "application/xml"])
    #expect(blob.headers["x-ms-meta-b"] == "b")
  }

  @Test("Permissions are kept, and refused together with an ACL")
  func accessControl() async throws {
    try await lake.write("f", "x")
    let both = try await lake.call(
      "PATCH", "lake/f?action=setAccessControl", ["x-ms-acl": "user::rwx", "x-ms-permissions": "0755"])
    #expect(both.outcome == "400 InvalidInput")
    let set = try await lake.call("PATCH", "lake/f?action=setAccessControl", ["x-ms-permissions": "0755"])
    #expect(set.outcome == "200")
    #expect(try await lake.call("HEAD", "lake/f").headers["x-ms-permissions"] == "rwxr-xr-x")
  }

  @Test("An expiry keeps the ETag, and the file is gone when its time is over")
  func expiry() async throws {
    let etag = try await lake.write("f", "x")
    let later = try await lake.call(
      "PUT", "lake/f?comp=expiry", ["x-ms-expiry-option": "RelativeToNow", "x-ms-expiry-time": "600000"])
    #expect(later.outcome == "200")
    let head = try await lake.call("HEAD", "lake/f")
    #expect(head.headers["etag"] == etag && head.headers["x-ms-expiry-time"] != nil)
    let never = try await lake.call("PUT", "lake/f?comp=expiry", ["x-ms-expiry-option": "NeverExpire"])
    #expect(never.outcome == "200")
    #expect(try await lake.call("HEAD", "lake/f").headers["x-ms-expiry-time"] == nil)
    let past = ["x-ms-expiry-option": "Absolute", "x-ms-expiry-time": "Sun, 06 Nov 1994 08:49:37 GMT"]
    #expect(try await lake.call("PUT", "lake/f?comp=expiry", past).outcome == "200")
    #expect(try await lake.call("HEAD", "lake/f").outcome == "404 PathNotFound")
    #expect(try await lake.call("PUT", "lake/g?comp=expiry").outcome == "400 MissingRequiredHeader")
  }

  private func lease(_ action: String, _ headers: [String: String] = [:]) async throws -> HTTPAnswer {
    try await lake.call("POST", "lake/f", headers.merging(["x-ms-lease-action": action]) { $1 })
  }

  @Test("A leased file is changed with its lease id alone")
  func leased() async throws {
    try await lake.write("f", "x")
    let mine = ["x-ms-lease-id": id]
    let acquire = ["x-ms-lease-duration": "60", "x-ms-proposed-lease-id": id]
    #expect(try await lake.append("f", "y", at: 1, mine).outcome == "412 LeaseNotPresent")
    #expect(try await lease("acquire", acquire).outcome == "201")
    #expect(try await lease("acquire", acquire).outcome == "201")
    let second = ["x-ms-lease-duration": "-1", "x-ms-proposed-lease-id": other]
    #expect(try await lease("acquire", second).outcome == "409 LeaseAlreadyPresent")
    #expect(try await lake.append("f", "y", at: 1).outcome == "412 LeaseIdMissing")
    #expect(try await lake.append("f", "y", at: 1, ["x-ms-lease-id": other]).outcome == "412 LeaseIdMismatch")
    #expect(try await lake.append("f", "y", at: 1, mine).outcome == "202")
    #expect(try await lake.flush("f", to: 2).outcome == "412 LeaseIdMissing")
    #expect(try await lake.flush("f", to: 2, mine).outcome == "200")
    #expect(try await lake.call("DELETE", "lake/f").outcome == "412 LeaseIdMissing")
    let rename = try await lake.call("PUT", "lake/g", ["x-ms-rename-source": "/lake/f"])
    #expect(rename.outcome == "412 LeaseIdMissing")
    #expect(try await lease("renew", mine).outcome == "200")
    #expect(try await lease("release", ["x-ms-lease-id": other]).outcome == "409 LeaseIdMismatchWithLeaseOperation")
    #expect(try await lease("change", mine.merging(["x-ms-proposed-lease-id": other]) { $1 }).outcome == "200")
    #expect(try await lease("release", ["x-ms-lease-id": other]).outcome == "200")
    #expect(try await lake.call("DELETE", "lake/f").outcome == "200")
  }

  @Test("A lease ends by a break and by a create of the file")
  func brokenLease() async throws {
    try await lake.write("f", "x")
    #expect(try await lease("acquire", ["x-ms-lease-duration": "-1"]).outcome == "201")
    #expect(try await lease("break", ["x-ms-lease-break-period": "0"]).outcome == "202")
    #expect(try await lake.append("f", "y", at: 1).outcome == "202")
    #expect(try await lease("acquire", ["x-ms-lease-duration": "-1"]).outcome == "201")
    #expect(try await lake.create("f").outcome == "201")
    #expect(try await lake.append("f", "y", at: 0).outcome == "202")
    #expect(try await lease("acquire", ["x-ms-lease-duration": "5"]).outcome == "400 InvalidHeaderValue")
    #expect(try await lease("melt").outcome == "400 InvalidHeaderValue")
    #expect(try await lake.call("POST", "lake/f").outcome == "400 MissingRequiredHeader")
  }
}
