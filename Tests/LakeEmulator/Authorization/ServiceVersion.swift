/// The values of `x-ms-version` that the service knows. Another one is refused, with 400 ("Versioning for Azure
/// Storage").
enum ServiceVersion {
  static let known: Set<String> = [
    "2017-11-09", "2018-03-28", "2018-06-17", "2018-11-09", "2019-02-02", "2019-07-07", "2019-10-10", "2019-12-12",
    "2020-02-10", "2020-04-08", "2020-06-12", "2020-08-04", "2020-10-02", "2020-12-06", "2021-02-12", "2021-04-10",
    "2021-06-08", "2021-08-06", "2021-10-04", "2021-12-02", "2022-11-02", "2023-01-03", "2023-05-03", "2023-08-03",
    "2023-11-03", "2024-02-04", "2024-05-04", "2024-08-04", "2024-11-04", "2025-01-05", "2025-05-05", "2025-07-05",
    "2025-11-05", "2026-02-06", "2026-04-06", "2026-06-06", "2026-10-06",
  ]

  /// From here on an expired or missing bearer token gets 401 with a challenge ("Authorize with Microsoft Entra ID",
  /// "Bearer challenge").
  static let bearerChallenge = "2019-12-12"

  /// - Throws: ``ServiceError`` 400.
  static func check(_ version: String) throws(ServiceError) {
    guard known.contains(version) else {
      throw ServiceError(
        400, "UnsupportedRestVersion", "The value for x-ms-version is not a version that this service knows.")
    }
  }
}
