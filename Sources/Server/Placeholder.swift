import NIOCore
import NIOPosix
import Logging
import JWTKit
import Yams
public enum Placeholder {}
