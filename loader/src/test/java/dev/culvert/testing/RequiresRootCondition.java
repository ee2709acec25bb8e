// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Decides for {@link RequiresRoot}. */
final class RequiresRootCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return decide(isRoot(), System.getProperty("require.all"), context.getDisplayName());
  }

  static ConditionEvaluationResult decide(boolean root, String requireAll, String test) {
    if (root) {
      return ConditionEvaluationResult.enabled("running as root");
    }
    String reason = test + " needs root";
    if (requireAll != null && (requireAll.isEmpty() || requireAll.equals("true"))) {
      // An exception here, not a disabled result: JUnit reports it as a failure of the test.
      throw new IllegalStateException(
          reason + ", and -Drequire.all forbids skipping it. Run the tests as root.");
    }
    System.err.println("SKIPPED: " + reason + ". Run \"sudo ./dev test\" to include it.");
    return ConditionEvaluationResult.disabled(reason);
  }

  private static boolean isRoot() {
    return Libc.system().call(Syscall.GETEUID, 0, 0, 0, 0, 0, 0) == 0;
  }
}
