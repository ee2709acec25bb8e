// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import picocli.CommandLine;

/**
 * Makes the objects behind the commands, giving those that read the kernel's tables their reader.
 */
public final class Commands implements CommandLine.IFactory {
  private final CommandLine.IFactory others = CommandLine.defaultFactory();
  private final TableReader reader;

  public Commands(TableReader reader) {
    this.reader = reader;
  }

  @Override
  public <K> K create(Class<K> type) throws Exception {
    return type == ReadOptions.class ? type.cast(new ReadOptions(reader)) : others.create(type);
  }
}
