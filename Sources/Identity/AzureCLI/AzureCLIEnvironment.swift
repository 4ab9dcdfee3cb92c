/// What the Azure CLI is given of this program's environment: what it needs to find its files, its language and its way to
/// the network, and nothing else. An app's settings are variables, so the rest holds this program's own secrets.
enum AzureCLIEnvironment {
  /// Passed on by name.
  private static let names: Set<String> = [
    // Itself, its user and its files.
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR",
    "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH",
    // The network. A proxy's URL may hold a password: without it the CLI would not get out, and it is the password of the
    // way, not of what lies at its end.
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
    // The roots it trusts: of Python's requests, and of OpenSSL.
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
  ]

  /// Passed on by how their names begin: the locale, and the CLI's own `[core]` settings.
  private static let prefixes = ["LC_", "AZURE_CORE_"]

  /// The variables of `environment` that are passed on.
  static func passedOn(_ environment: [String: String]) -> [String: String] {
    var passed = environment.filter { name, _ in names.contains(name) || prefixes.contains { name.hasPrefix($0) } }
    passed["AZURE_CORE_NO_COLOR"] = "true"
    return passed
  }
}
