/// placeholder until merge
public enum IdentityError: Error, Equatable, Sendable { case unavailable(String) }
