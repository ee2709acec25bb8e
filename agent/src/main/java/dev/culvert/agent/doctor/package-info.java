// SPDX-License-Identifier: Apache-2.0
/** Tells whether this machine can run an agent, and what to do where it cannot. */
package dev.culvert.agent.doctor;
