# shellcheck shell=sh
# Peers with a protocol over TCP: NATS JetStream and RabbitMQ, on free ports of the loopback
# and in directories of this run. Neither has a message on disk when it says that it has it:
# JetStream flushes every two minutes, and amqp-publish does not wait to be told.
# shellcheck disable=SC2034,SC2154 # dir, found, ...: of run.sh and peer.sh

free_port() {
	"$BIN/tool/bench-nats" 0 free
}

nats_start() {
	nats_port=$(free_port)
	nats-server -a 127.0.0.1 -p "$nats_port" -js -sd "$dir/nats" -l "$dir/nats.log" \
		>/dev/null 2>&1 &
	nats_pid=$!
	nats=$BIN/tool/bench-nats
	until_true timeout 10 "$nats" "$nats_port" make
	found="$found $(nats-server --version | sed 's/: v/-/'),"
	export nats nats_port
}

# Everything that it would look for or leave elsewhere is told to be in the directory.
# epmd, by which its nodes find each other, is a daemon on a port of its own.
rabbitmq_start() {
	mkdir "$dir/rabbitmq"
	: >"$dir/rabbitmq/plugins"
	: >"$dir/rabbitmq/env"
	rabbitmq_port=$(free_port) epmd_port=$(free_port)
	env RABBITMQ_CONF_ENV_FILE="$dir/rabbitmq/env" RABBITMQ_NODENAME=bench@localhost \
		RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$rabbitmq_port" \
		RABBITMQ_DIST_PORT="$(free_port)" ERL_EPMD_PORT="$epmd_port" \
		ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_CONFIG_FILE="$dir/rabbitmq/none" \
		RABBITMQ_CONFIG_FILES="$dir/rabbitmq/none.d" \
		RABBITMQ_ADVANCED_CONFIG_FILE="$dir/rabbitmq/none.config" \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
		RABBITMQ_MNESIA_BASE="$dir/rabbitmq" RABBITMQ_LOG_BASE="$dir/rabbitmq" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$dir/rabbitmq/plugins" \
		RABBITMQ_PID_FILE="$dir/rabbitmq/pid" \
		/usr/lib/rabbitmq/bin/rabbitmq-server >"$dir/rabbitmq/out" 2>&1 &
	rabbitmq_pid=$!
	amqp="--server=127.0.0.1 --port=$rabbitmq_port"
	# Its start takes seconds, and more of them beside other work.
	until_true sh -c "sleep 0.4; timeout 10 amqp-declare-queue $amqp -d -q jobs"
	found="$found rabbitmq-$(dpkg-query -W -f '${Version}' rabbitmq-server 2>/dev/null |
		cut -d- -f1) amqp-tools,"
	export amqp
}

brokers_stop() {
	[ -z "${epmd_port:-}" ] || ERL_EPMD_PORT=$epmd_port epmd -kill >/dev/null 2>&1 || :
}
