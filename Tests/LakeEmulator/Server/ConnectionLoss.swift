/// The connection is of no use any more: the client went away, or a fault ended it. Nothing can be answered.
struct ConnectionLoss: Error {}
