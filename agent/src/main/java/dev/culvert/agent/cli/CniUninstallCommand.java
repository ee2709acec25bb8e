// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Takes plugin and network away again. */
@Command(
    name = "uninstall",
    description = "Remove the plugin and its network, unless somebody changed them.")
public final class CniUninstallCommand implements Runnable {
  @Mixin private CniFolders folders;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    List<Path> removed = folders.installation().uninstall();
    removed.forEach(file -> out.println("removed " + file));
    if (removed.isEmpty()) {
      out.println("nothing of Culvert's is there");
    }
  }
}
