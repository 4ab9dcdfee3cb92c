/// How long each stage of a connection may take.
struct ConnectionTimeouts: Equatable {
  var idle: Duration = .seconds(120)
  var header: Duration = .seconds(15)
  var body: Duration = .seconds(300)
  var bodyStall: Duration = .seconds(30)
  var writeStall: Duration = .seconds(30)
  var linger: Duration = .seconds(2)
}
