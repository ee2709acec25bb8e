// SPDX-License-Identifier: Apache-2.0
/**
 * The agent's configuration file: {@link dev.culvert.agent.config.ConfigFile} reads YAML into an
 * {@link dev.culvert.agent.config.AgentConfig} or says in one sentence what is wrong and where.
 */
package dev.culvert.agent.config;
