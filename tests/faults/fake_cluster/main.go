// A cluster of three brokers in one process, which moves coordinators and leaders and refuses requests when told so:
// what a single real broker can't do. It prints its addresses, then answers each line of stdin with a line, until stdin ends.
//
//	coordinators              each group has another coordinator
//	leaders                   each partition has another leader
//	refuse KEY ERROR COUNT    the next COUNT requests of an API key get this error code
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	topic := flag.String("topic", "t", "made at the start")
	partitions := flag.Int("partitions", 4, "of the topic")
	flag.Parse()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(int32(*partitions), *topic))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer cluster.Close()
	cluster.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return endsOfEpochs(cluster, request.(*kmsg.OffsetForLeaderEpochRequest))
	})
	fmt.Println(strings.Join(cluster.ListenAddrs(), ","))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(obey(cluster, lines.Text()))
	}
}

// Where an epoch ended, for epochs before the present one. kfake knows an epoch from its first record on, and until then
// answers that it never heard of the one before, from which a client concludes that the log was cut. Kafka knows it from
// the leader's first moment. Nothing is ever cut here, so any end that is not before the client's position is the same to it.
func endsOfEpochs(cluster *kfake.Cluster, request *kmsg.OffsetForLeaderEpochRequest) (kmsg.Response, error, bool) {
	response := request.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for _, asked := range request.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = asked.Topic
		for _, partition := range asked.Partitions {
			info := cluster.PartitionInfo(asked.Topic, partition.Partition)
			if info == nil || info.Leader != cluster.CurrentNode() || partition.CurrentLeaderEpoch != info.Epoch {
				return nil, nil, false // refused in kfake's own words
			}
			end := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			end.Partition, end.LeaderEpoch, end.EndOffset = partition.Partition, partition.LeaderEpoch, info.HighWatermark
			topic.Partitions = append(topic.Partitions, end)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response, nil, true
}

func obey(cluster *kfake.Cluster, line string) string {
	var key, code int16
	var count int
	switch {
	case line == "coordinators":
		cluster.RehashCoordinators()
	case line == "leaders":
		cluster.ShufflePartitionLeaders()
	case refusal(line, &key, &code, &count):
		refused, _ := kerr.ErrorForCode(code).(*kerr.Error)
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Key(key)}, Err: refused, Count: count})
	default:
		return "unknown: " + line
	}
	return "done"
}

func refusal(line string, key, code *int16, count *int) bool {
	read, _ := fmt.Sscanf(line, "refuse %d %d %d", key, code, count)
	return read == 3
}
