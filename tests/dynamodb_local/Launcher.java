import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;

/** DynamoDB Local in memory, on the loopback interface only: its own launcher listens on all of them. */
final class Launcher {
    private static final int DEFAULT_PARTITIONS = 0;
    private static final boolean IN_MEMORY = true;
    private static final String NO_FOLDER = null;
    private static final boolean ONE_FOR_ALL_CREDENTIALS = true;
    private static final boolean SLOW_TABLE_STATES = false;
    private static final String NO_CORS = null;

    public static void main(String[] arguments) throws Exception {
        var port = Integer.parseInt(arguments[0]);
        var server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        var requests = new LocalDynamoDBRequestHandler(
                DEFAULT_PARTITIONS, IN_MEMORY, NO_FOLDER, ONE_FOR_ALL_CREDENTIALS, SLOW_TABLE_STATES);
        server.setHandler(new LocalDynamoDBServerHandler(requests, NO_CORS));
        server.start();
        server.join();
    }
}
