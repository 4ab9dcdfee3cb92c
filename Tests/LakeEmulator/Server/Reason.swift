/// Reason phrases. A client must not look at them.
enum Reason {
  static func phrase(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 206: "Partial Content"
    case 304: "The condition specified using HTTP conditional header(s) is not met."
    case 307: "Temporary Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "The condition specified using HTTP conditional header(s) is not met."
    case 413: "Request Entity Too Large"
    case 416: "The range specified is invalid for the current size of the resource."
    case 429: "Too Many Requests"
    case 500: "Internal Server Error"
    case 503: "Server Busy"
    default: "Status"
    }
  }
}
