import Foundation
import Testing

import cashup

@Suite struct ReplayPlanTests {
    @Test("plan")
    func plan() throws {
        #expect(true)
    }
}
