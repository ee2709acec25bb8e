// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.agent.socket.RuntimeCalls;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Answers container runtimes. Any thread may call. */
public final class Plugin implements RuntimeCalls {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final Interfaces interfaces;
  private final Health health;
  private final Inspection inspection;

  public Plugin(OverlayOperations overlay, Kernel kernel, Attachments attachments) {
    this.interfaces = new Interfaces(overlay, kernel, attachments);
    this.health = new Health(overlay);
    this.inspection = new Inspection(overlay, kernel);
  }

  /**
   * Does what runtimes asked while no agent answered. To be called once the socket is listened on:
   * whoever notes something later asks again.
   */
  public void catchUp() {
    try {
      interfaces.finishDeletions();
    } catch (CniException | UncheckedIOException e) { // no reason not to start
      LOG.log(Level.WARNING, "{0} It is tried again at the next start, or by GC.", e.getMessage());
    }
  }

  @Override
  public Map<String, Object> answer(Map<String, String> environment, String text) {
    try {
      return result(carryOut(environment, text));
    } catch (RefusedException
        | KernelException
        | LeaseStoreException
        | IllegalArgumentException
        | IllegalStateException
        | UnsupportedOperationException
        | UncheckedIOException e) { // so overlay and datapath refuse what cannot be
      LOG.log(Level.DEBUG, "refused a runtime's call", e);
      return refusal(CniException.of(e), text);
    }
  }

  private Optional<Map<String, Object>> carryOut(Map<String, String> environment, String text) {
    Call call = Call.parse(environment);
    Configuration configuration = Configuration.parse(text);
    if (!configuration.version().knows(call.command())) {
      throw new CniException(
          CniCode.INCOMPATIBLE_VERSION,
          "%s came with version %s, and the configuration is of %s."
              .formatted(
                  call.command(), call.command().since().text(), configuration.version().text()));
    }
    switch (call.command()) {
      case ADD -> {
        return Optional.of(interfaces.add(call, configuration));
      }
      case DEL -> interfaces.delete(call.attachment(configuration.network()));
      case CHECK -> inspection.check(call, configuration);
      case GC -> interfaces.collect(configuration.network(), configuration.validAttachments());
      case STATUS -> health.check(configuration);
    }
    return Optional.empty();
  }

  private static Map<String, Object> result(Optional<Map<String, Object>> result) {
    return result.<Map<String, Object>>map(fields -> Map.of("result", fields)).orElse(Map.of());
  }

  private static Map<String, Object> refusal(CniException e, String text) {
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("cniVersion", version(text));
    error.put("code", e.code().number());
    error.put("msg", e.getMessage());
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("ok", false);
    answer.put("error", e.getMessage());
    answer.put("result", error);
    return answer;
  }

  /** The configuration's, also where it is none that we speak. */
  private static String version(String text) {
    try {
      return Json.parseObject(text).get("cniVersion") instanceof String version
          ? version
          : CniVersion.V1_1_0.text();
    } catch (RefusedException e) {
      return CniVersion.V1_1_0.text();
    }
  }
}
